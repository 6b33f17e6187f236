"""Puts a finished reply into files: the text, and a mail ready to be sent by whoever sends mail.

Takes: *draft*. Gives: *letter_txt* and *letter_eml*, written to the stage's output. Tools: none. It changes
no word of the reply, and takes the recipient from the task's input, or from the person who returns the work
with an address. Without one it asks, beside a mail to nobody. It sends nothing.
"""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from pydantic import Field

from agents.contract import Brief, Desk, Given, Made, Outcome
from agents.prose.clean import one_line
from agents.tools import Closed

ACCEPTS = ("draft",)
RETURNS = ("letter_txt", "letter_eml")
TOOLS = ()
WRITES = ("txt", "eml")
DETERMINISTIC = True

_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
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
    to = _recipient(brief)
    mail = Made(kind="letter_eml", text=_mail(brief, draft, to, settings), data={"to": to}, suffix="eml")
    if not to:
        given = one_line(str(brief.input.get("from") or ""), 100)
        return Outcome(
            word="escalate",
            made=(mail,),
            question="To which address should this reply go? Return it to this stage with the address. "
            "Approve it if you put the address into the mail yourself.",
            why=f"“{given}” is no address." if given else "The message does not say who sent it.",
        )
    text = Made(kind="letter_txt", text=draft.text, data={"of": draft.sha256}, suffix="txt")
    return Outcome(made=(text, mail), summary=f"The reply to {to} lies ready to be sent.")


def _recipient(brief: Brief) -> str:
    """The address that a person named last, else the sender's; empty if neither is one. The domain is written
    as the mail system writes it (xn--…)."""
    named = [_ADDRESS.findall(one.text) for one in brief.requests if one.by.startswith("user:")]
    given = [found[0].rstrip(".") for found in named if len(set(found)) == 1]
    to = given[-1] if given else str(brief.input.get("from") or "").strip()
    if not _ADDRESS.fullmatch(to):
        return ""
    name, _, domain = to.rpartition("@")
    try:
        return f"{name}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return ""


def _mail(brief: Brief, draft: Given, to: str, settings: Settings) -> str:
    """An unsent mail in the customer's thread. Every header is made here; no word of a text becomes one."""
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit") if to.isascii() else SMTPUTF8)
    if settings.sender:
        name, _, address = settings.sender.rpartition("<")
        mail["From"] = Address(name.strip().strip('"'), addr_spec=address.strip(" >"))
    if to:
        user, _, domain = to.rpartition("@")
        mail["To"] = Address(username=user, domain=domain)
    subject = one_line(str(brief.input.get("subject") or brief.title), 180)
    mail["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    mail["X-Unsent"] = "1"  # mail programs open it as a draft
    mail["X-Clawbot-Task"] = brief.task
    if _ID.fullmatch(answered := str(brief.input.get("message_id") or "")):
        mail["In-Reply-To"] = mail["References"] = answered
    mail.set_content(draft.text)
    return mail.as_string().replace("\r\n", "\n")
