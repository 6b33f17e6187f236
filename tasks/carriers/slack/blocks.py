"""How a notice looks in Slack: the classic blocks, inside their limits.

What a notice holds is plain text. It becomes mrkdwn here and nowhere else, by `escape`, once.

The only button is a link to the page where people decide: nothing here answers a click in Slack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tasks import moments
from tasks.costs import money
from tasks.models import Notice

#: Slack refuses about 13,200 characters of blocks; escaping and quoting can double a text.
HEADER, SENTENCE, TEXT, FACT = 150, 300, 1500, 400

MARKS = {"Approved": ":white_check_mark:", "Returned": ":leftwards_arrow_with_hook:"}

#: `*`, `_` and `~` mean nothing between two letters (`snake_case`); :name: may be an emoji.
_SIGN = re.compile(r"(?<![^\W_])[*_~]|[*_~](?![^\W_])|`|(?<!\w):(?=[a-z0-9_+'-]+:)")
_LOOKS_LIKE = {"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ", ":": "∶"}

Block = dict[str, Any]
Content = dict[str, Any]


def render(notice: Notice, decided: Content | None = None) -> list[Block]:
    """The blocks of a notice; with `decided`, its link gives way to who decided what and when, or stays
    below that while somebody else is still needed."""
    content = notice.content
    match notice.kind:
        case "completion":
            parts = _completion(content)
        case "escalation":
            parts = _escalation(content)
        case "stalled":
            parts = _stalled(content)
        case _:
            parts = _plain(notice)
    foot = [_context(text)] if (text := _foot(notice.kind, content)) else []
    if decided and not decided.get("needs"):
        return [*parts, _context(_verdict(decided)), *foot]
    now = content | {"needs": decided["needs"]} if decided else content
    verdict = _verdict(decided) if decided else Mrkdwn()
    told = [_context(text) for text in (verdict, _needs(now)) if text]
    return [*parts, *told, _actions(notice.kind, now), *foot]


def sentence(notice: Notice) -> Mrkdwn:
    """What notifications and screen readers get: the first line of the notice."""
    return escape(notice.text.partition("\n")[0], SENTENCE)


def payload(notice: Notice) -> Content:
    """The metadata by which the message is found again."""
    draft = notice.content.get("draft")
    about = {"outbox": notice.key, "task": notice.task_id, "kind": notice.kind, "draft": draft}
    return {name: value for name, value in about.items() if value is not None}


class Mrkdwn(str):
    """Text in Slack's format. Any other text is plain, and means nothing but itself."""


def escape(text: str, most: int) -> Mrkdwn:
    """Plain text as mrkdwn, cut at `most` characters with an ellipsis; mrkdwn as it is. Slack has no escape
    for its own signs, so they give way to signs that look like them."""
    if isinstance(text, Mrkdwn):
        return text
    return _entities(_SIGN.sub(lambda match: _LOOKS_LIKE[match[0]], text), most)


def said(form: str, *texts: str, most: int = TEXT) -> Mrkdwn:
    """A form of ours with texts in it, each escaped if it is plain."""
    return Mrkdwn(form.format(*(escape(text, most) for text in texts)))


def joined(by: str, texts: Iterable[str]) -> Mrkdwn:
    """Those texts that are not empty in a row, each escaped if it is plain."""
    return Mrkdwn(by.join(escape(text, TEXT) for text in texts if text))


def _entities(text: str, most: int) -> Mrkdwn:
    out: list[str] = []
    length = 0
    for letter in text:
        part = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(letter, letter)
        length += len(part)
        if length >= most:
            return Mrkdwn("".join(out).rstrip() + "…")
        out.append(part)
    return Mrkdwn("".join(out))


def _completion(content: Content) -> list[Block]:
    took = [content.get("took", ""), _count(content.get("stages"), "stage")]
    cost = content.get("cost") or money(content.get("cost_usd", 0))
    status = str(content.get("status", "")).replace("_", " ")
    waiting = "waiting for a person" if content.get("review") else "done"
    fields = [
        ("File", _code(content.get("path", ""))),
        ("Status", joined(" · ", [status, waiting])),
        ("Took", joined(" · ", took)),
        ("Cost", f"{cost} · {_thousands(content.get('tokens', 0))} tokens"),
    ]
    title = f"{content['key']} · {content['title']}"
    return [
        {"type": "header", "block_id": "h", "text": _plain_text(title, HEADER)},
        _section("sum", escape(content.get("summary") or "–", TEXT)),
        {
            "type": "section",
            "block_id": "facts",
            "fields": [_mrkdwn(said("*{}*\n{}", name, text)) for name, text in fields if text],
        },
    ]


def _escalation(content: Content) -> list[Block]:
    title = escape(f"{content['key']} {content['title']}", SENTENCE)
    lines = []
    if content.get("quote"):
        lines.append(said(">_“{}”_", _one_line(content["quote"])))
    if content.get("passage"):
        source = str(content.get("source") or "")
        lines.append(said(">Source {} says: “{}”", source, _one_line(content["passage"])))
    if content.get("path"):
        lines.append(said("File {}", _code(content["path"])))
    lines.append(said("Nothing moves until someone answers."))
    head = said("*Decision needed · {}*\n{}", title, content.get("why", ""))
    return [_section("q", head), _section("why", joined("\n", lines))]


def _stalled(content: Content) -> list[Block]:
    title = escape(f"{content['key']} {content['title']}", SENTENCE)
    form = "*Stalled · {}*\nIn *{}* for {}; this stage usually takes {} and may take {}."
    times = [content[name] for name in ("stage", "lasted", "usual", "limit")]
    return [_section("q", said(form, title, *times))]


def _plain(notice: Notice) -> list[Block]:
    first, _, rest = notice.text.partition("\n")
    text = joined("\n", [said("*{}*", escape(first, SENTENCE)), rest])
    return [_section("q", text)]


def _actions(kind: str, content: Content) -> Block:
    link = content["url"]
    if kind == "escalation" and content.get("finding"):
        link = f"{link}#f-{content['finding']}"
    opener = {"type": "button", "action_id": "clawbot.open", "text": _plain_text("Open", 75), "url": link}
    return {"type": "actions", "block_id": "open", "elements": [opener]}


def _foot(kind: str, content: Content) -> Mrkdwn:
    told = _moment(content.get("said_at", ""), "{date_short_pretty} at {time}")
    draft = f"draft {content['draft']}" if content.get("draft") else ""
    if kind == "completion":
        return joined(" · ", [content.get("workflow", ""), draft, told])
    if kind == "escalation":
        who = said("Assigned to {}", content.get("owner") or f"anyone of the {content.get('group')}")
        due = _moment(content.get("due_at") or "", "{date_short_pretty} at {time}")
        then = said(", then to {}", content["then"]) if content.get("then") else Mrkdwn()
        return joined(" · ", [who, said("due {}{}", due, then) if due else ""])
    return escape(content.get("next", ""), TEXT) if kind == "stalled" else Mrkdwn()


def _verdict(decided: Content) -> Mrkdwn:
    mark = Mrkdwn(MARKS.get(decided["what"], ":ballot_box_with_check:"))
    who = f"{decided['who']} {decided['where']}".strip()
    return said("{} *{}* by {} · {}", mark, decided["what"], who, _moment(decided["decided_at"], "{time}"))


def _needs(content: Content) -> Mrkdwn:
    """Who is still needed, where one answer is not enough."""
    return escape(str(content.get("needs") or ""), FACT)


def _moment(iso: str, form: str) -> Mrkdwn:
    """A moment that each reader sees in their own zone."""
    if not iso:
        return Mrkdwn()
    moment = datetime.fromisoformat(iso)
    return Mrkdwn(f"<!date^{int(moment.timestamp())}^{form}|{moments.exact(moment)}>")


def _section(block_id: str, text: Mrkdwn) -> Block:
    """`verbatim`: Slack makes no links and mentions of words that look like some."""
    return {"type": "section", "block_id": block_id, "text": _mrkdwn(text)}


def _mrkdwn(text: Mrkdwn) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _context(text: Mrkdwn) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _plain_text(text: str, most: int) -> Block:
    cut = text if len(text) <= most else text[: most - 1].rstrip() + "…"
    return {"type": "plain_text", "text": cut, "emoji": False}


def _code(path: str) -> Mrkdwn:
    """Inside these marks no other sign has a meaning."""
    shown = _entities(path.replace("`", _LOOKS_LIKE["`"]), FACT)
    return Mrkdwn(f"`{shown}`") if path else Mrkdwn()


def _one_line(text: str) -> Mrkdwn:
    return escape(" ".join(text.split()), FACT)


def _count(number: int | None, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


def _thousands(number: int) -> str:
    return f"{number // 1000}k" if number >= 1000 else str(number)
