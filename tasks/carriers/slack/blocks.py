"""How a notice looks in Slack: the classic blocks, inside their limits, every foreign text escaped.

Buttons carry ids and versions only, and are there only where clicks can reach us.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.conf import settings

from tasks.models import Notice

#: Slack refuses about 13,200 characters of blocks; escaping and quoting can double a text.
HEADER, SENTENCE, TEXT, FACT = 150, 300, 1500, 400

MARKS = {"Approved": ":white_check_mark:", "Returned": ":leftwards_arrow_with_hook:"}

Block = dict[str, Any]
Content = dict[str, Any]


def render(notice: Notice, decided: Content | None = None) -> list[Block]:
    """The blocks of a notice; with `decided`, its buttons give way to who decided what and when,
    or stay below that while somebody else is still needed."""
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
    now = content | {name: decided[name] for name in ("needs", "review_version")} if decided else content
    said = [_context(text) for text in (_verdict(decided) if decided else "", _needs(now)) if text]
    return [*parts, *said, _actions(notice.kind, now), *foot]


def sentence(notice: Notice) -> str:
    """What notifications and screen readers get: the first line of the notice."""
    return escape(notice.text.partition("\n")[0], SENTENCE)


def payload(notice: Notice) -> Content:
    """The metadata by which the message is found again."""
    draft = notice.content.get("draft")
    about = {"outbox": notice.key, "task": notice.task_id, "kind": notice.kind, "draft": draft}
    return {name: value for name, value in about.items() if value is not None}


def escape(text: str, most: int) -> str:
    """The text as mrkdwn that means nothing but itself, cut at `most` characters with an ellipsis."""
    out: list[str] = []
    length = 0
    for letter in text:
        part = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(letter, letter)
        length += len(part)
        if length >= most:
            return "".join(out).rstrip() + "…"
        out.append(part)
    return "".join(out)


def _completion(content: Content) -> list[Block]:
    took = " · ".join(filter(None, [content.get("took", ""), _count(content.get("stages"), "stage")]))
    cost = f"${content.get('cost_usd', 0):.2f} · {_thousands(content.get('tokens', 0))} tokens"
    status = str(content.get("status", "")).replace("_", " ")
    waiting = "waiting for a person" if content.get("review") else "done"
    fields = [
        ("File", _code(content.get("path", ""))),
        ("Status", escape(" · ".join(filter(None, [status, waiting])), FACT)),
        ("Took", escape(took, FACT)),
        ("Cost", cost),
    ]
    title = f"{content['key']} · {content['title']}"
    return [
        {"type": "header", "block_id": "h", "text": _plain_text(title, HEADER)},
        _section("sum", escape(content.get("summary", ""), TEXT) or "–"),
        {
            "type": "section",
            "block_id": "facts",
            "fields": [{"type": "mrkdwn", "text": f"*{name}*\n{text}"} for name, text in fields if text],
        },
    ]


def _escalation(content: Content) -> list[Block]:
    title = escape(f"{content['key']} {content['title']}", SENTENCE)
    head = f"*Decision needed · {title}*\n{escape(content.get('why', ''), TEXT)}"
    lines = []
    if content.get("quote"):
        lines.append(f">_“{_one_line(content['quote'])}”_")
    if content.get("passage"):
        lines.append(f">Source {content.get('source') or ''} says: “{_one_line(content['passage'])}”")
    if content.get("path"):
        lines.append(f"File {_code(content['path'])}")
    lines.append("Nothing moves until someone answers.")
    return [_section("q", head), _section("why", "\n".join(lines))]


def _stalled(content: Content) -> list[Block]:
    title = escape(f"{content['key']} {content['title']}", SENTENCE)
    text = (
        f"*Stalled · {title}*\nIn *{escape(content['stage'], FACT)}* for {content['lasted']}; "
        f"this stage usually takes {content['usual']} and may take {content['limit']}."
    )
    return [_section("q", text)]


def _plain(notice: Notice) -> list[Block]:
    first, _, rest = notice.text.partition("\n")
    text = f"*{escape(first, SENTENCE)}*" + (f"\n{escape(rest, TEXT)}" if rest else "")
    return [_section("q", text)]


def _actions(kind: str, content: Content) -> Block:
    link = content["url"]
    if kind == "escalation" and content.get("finding"):
        link = f"{link}#f-{content['finding']}"
    # A call is allowed where it can be read, and its arguments are not for a channel.
    here = content.get("review") and settings.SLACK_SIGNING_SECRET and content.get("asks") != "tool"
    buttons = _decide(kind, content) if here else []
    opener = {"type": "button", "action_id": "clawbot.open", "text": _plain_text("Open", 75), "url": link}
    return {"type": "actions", "block_id": "decide", "elements": [*buttons, opener]}


def _decide(kind: str, content: Content) -> list[Block]:
    """Approve leads at a gate; at an escalation the safe verb leads."""
    draft = content.get("draft")
    ids = {"d": draft, "r": content["review"], "t": content["task"], "v": content["review_version"]}
    value = json.dumps(ids, separators=(",", ":"))
    path = _code(content.get("path", ""))
    lead = "approve" if kind == "completion" else "send_back"
    approve = {
        "type": "button",
        "action_id": "clawbot.approve",
        "value": value,
        "text": _plain_text("Approve" if kind == "completion" else "Approve as is", 75),
        "accessibility_label": f"Approve {content['key']} draft {draft}"[:75],
        "confirm": {
            "title": _plain_text(f"Approve draft {draft}?", 100),
            "text": {"type": "mrkdwn", "text": f"This releases {path or 'the draft'}."},
            "confirm": _plain_text("Approve", 30),
            "deny": _plain_text("Cancel", 30),
        },
    }
    back = {
        "type": "button",
        "action_id": "clawbot.return",
        "text": _plain_text("Return…", 75),
        "value": value,
    }
    found = {"approve": approve, "send_back": back}
    return [
        found[verb] | ({"style": "primary"} if verb == lead else {})
        for verb in ("approve", "send_back")
        if verb in content.get("verbs", [])
    ]


def _foot(kind: str, content: Content) -> str:
    said = _moment(content.get("said_at", ""), "{date_short_pretty} at {time}")
    draft = f"draft {content['draft']}" if content.get("draft") else ""
    if kind == "completion":
        return " · ".join(filter(None, [escape(content.get("workflow", ""), FACT), draft, said]))
    if kind == "escalation":
        who = escape(content.get("owner") or f"anyone of the {content.get('group')}", FACT)
        due = _moment(content.get("due_at") or "", "{date_short_pretty} at {time}")
        then = f", then to {escape(content['then'], FACT)}" if content.get("then") else ""
        return f"Assigned to {who}" + (f" · due {due}{then}" if due else "")
    return escape(content.get("next", ""), TEXT) if kind == "stalled" else ""


def _verdict(decided: Content) -> str:
    mark = MARKS.get(decided["what"], ":ballot_box_with_check:")
    who = escape(f"{decided['who']} {decided['where']}".strip(), FACT)
    return f"{mark} *{decided['what']}* by {who} · {_moment(decided['decided_at'], '{time}')}"


def _needs(content: Content) -> str:
    """Who is still needed, where one answer is not enough."""
    return escape(str(content.get("needs") or ""), FACT)


def _moment(iso: str, form: str) -> str:
    """A moment that each reader sees in their own zone."""
    if not iso:
        return ""
    moment = datetime.fromisoformat(iso)
    return f"<!date^{int(moment.timestamp())}^{form}|{moment:%Y-%m-%d %H:%M} UTC>"


def _section(block_id: str, text: str) -> Block:
    return {"type": "section", "block_id": block_id, "text": {"type": "mrkdwn", "text": text}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _plain_text(text: str, most: int) -> Block:
    cut = text if len(text) <= most else text[: most - 1].rstrip() + "…"
    return {"type": "plain_text", "text": cut, "emoji": False}


def _code(path: str) -> str:
    return f"`{escape(path.replace('`', ''), FACT)}`" if path else ""


def _one_line(text: str) -> str:
    return escape(" ".join(text.split()), FACT)


def _count(number: int | None, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


def _thousands(number: int) -> str:
    return f"{number // 1000}k" if number >= 1000 else str(number)
