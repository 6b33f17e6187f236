"""Puts a finished reply into files: the text, and a mail ready to be sent by whoever sends mail.

Takes: *draft*. Gives: *letter_txt* and *letter_eml*, written to the stage's output. Tools: none. It changes
no word of the reply, and takes the recipient from the task's input alone; without a proper address there is
no `eml`. It sends nothing.
"""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from pydantic import Field

from agents.contract import Brief, Desk, Given, Made, Outcome
from agents.prose.clean import one_line
from agents.tools import Closed

ACCEPTS = ("draft",)
RETURNS = ("letter_txt", "letter_eml")
TOOLS = ()
WRITES = ("txt", "eml")
DETERMINISTIC = True

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_ID = re.compile(r"<[^<>\s]{3,250}>")


class Settings(Closed):
    """Who writes."""

    sender: str = Field(
        "", max_length=200
    )  # "Korvel Support <support@korvel.example>"; empty: left to the mailer


def work(brief: Brief, desk: Desk) -> Outcome:
    """The reply as plain text and as an unsent mail."""
    settings = Settings.model_validate(brief.settings)
    draft = brief.artifact("draft")
    if draft is None or not draft.text.strip():
        return Outcome(
            word="escalate",
            question="There is no reply to put into a file. Should it be written again?",
            why="A letter is made of a draft.",
        )
    made = [Made(kind="letter_txt", text=draft.text, data={"of": draft.sha256}, suffix="txt")]
    to = str(brief.input.get("from") or "").strip()
    if _ADDRESS.fullmatch(to):
        made.append(
            Made(kind="letter_eml", text=_mail(brief, draft, to, settings), data={"to": to}, suffix="eml")
        )
        return Outcome(made=tuple(made), summary=f"The reply to {to} lies ready to be sent.")
    return Outcome(made=tuple(made), summary="The reply lies ready; nobody knows the customer's address.")


def _mail(brief: Brief, draft: Given, to: str, settings: Settings) -> str:
    """An unsent mail in the customer's thread. Every header is made here; no word of a text becomes one."""
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    if settings.sender:
        name, _, address = settings.sender.rpartition("<")
        mail["From"] = Address(name.strip().strip('"'), addr_spec=address.strip(" >"))
    mail["To"] = Address(addr_spec=to)
    subject = one_line(str(brief.input.get("subject") or brief.title), 180)
    mail["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    mail["X-Unsent"] = "1"  # mail programs open it as a draft
    mail["X-Clawbot-Task"] = brief.task
    if _ID.fullmatch(answered := str(brief.input.get("message_id") or "")):
        mail["In-Reply-To"] = mail["References"] = answered
    mail.set_content(draft.text)
    return mail.as_string().replace("\r\n", "\n")
