"""Delivers notices to Slack: one message per notice, one thread per task and channel.

A send whose answer never came may have arrived. Therefore no retry handlers here: the outbox calls
`find`, which looks for the message by the notice's key in its metadata, before anything is repeated.
"""

from __future__ import annotations

import queue
import socket
import threading
import urllib.error
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from agents import retry_after
from tasks import clock, notices
from tasks.carriers import Broken, Busy, Unclear
from tasks.models import Notice

from . import blocks

PACE = 1.0  # Slack takes about one message a second in a channel
TIMEOUT = 5
#: The timeout is per read; a server that drips one byte at a time would hold a sender for ever.
TOTAL = 15.0
EVENT_TYPE = "clawbot_notice"
#: The clocks of Slack and of this machine differ.
SKEW = timedelta(minutes=5)
MOST_PAGES = 10

# Slack says of these that something may have happened before the error.
DOUBTFUL = {"fatal_error", "internal_error", "service_unavailable", "request_timeout"}
# An update cannot mend a message that is no longer there; a new one in the thread can say the same.
GONE = {"message_not_found", "cant_update_message", "edit_window_closed"}


def send(notice: Notice) -> dict[str, Any]:
    """Post the notice, or amend the message that asked for what was decided."""
    channel = _channel(notice)
    if notice.kind == "decided":
        return _amend(notice, channel)
    return _post(notice, channel, _parent(notice, channel))


def find(notice: Notice) -> dict[str, Any] | None:
    """Look for the notice's key in the channel and in the task's thread, since the notice was owed."""
    channel = _channel(notice)
    parent = _parent(notice, channel)
    since = f"{(notice.created_at - SKEW).timestamp():.6f}"
    places = [("conversations_history", {"channel": parent.get("channel", channel)})]
    if parent:
        places.append(("conversations_replies", {"channel": parent["channel"], "ts": parent["ts"]}))
    for method, where in places:
        for message in _messages(method, oldest=since, **where):
            if _key(message) == notice.key:
                thread = message.get("thread_ts", "")
                return {"to": channel, "channel": where["channel"], "ts": message["ts"], "thread": thread}
    return None


def _channel(notice: Notice) -> str:
    """Where the recipient reads Slack: by name, else (a person) where the group that decides reads it."""
    known = settings.SLACK_CHANNELS
    channel = known.get(notice.recipient)
    if not channel and notice.recipient.startswith("user:"):
        channel = known.get(notice.content.get("group", ""))
    if not channel:
        name = notice.recipient
        raise Broken(f"No Slack channel is set for {name}. Add {name}=C0… to SLACK_CHANNELS.")
    return str(channel)


def _parent(notice: Notice, channel: str) -> dict[str, Any]:
    """Where the task's thread in this channel begins; empty where nothing was posted yet."""
    sent = Notice.objects.filter(task=notice.task_id, carrier="slack", state=Notice.State.SENT)
    places = sent.order_by("sent_at", "id").values_list("remote", flat=True)
    first = next((remote for remote in places if remote.get("to") == channel), None)
    return {"channel": first["channel"], "ts": first.get("thread") or first["ts"]} if first else {}


def _post(notice: Notice, channel: str, parent: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "channel": channel,
        "text": blocks.sentence(notice),
        "blocks": blocks.render(notice),
        "metadata": {"event_type": EVENT_TYPE, "event_payload": blocks.payload(notice)},
        "unfurl_links": False,
        "unfurl_media": False,
    }
    if parent:
        # In a thread nobody is told of it; a question must be seen by all.
        message |= {"thread_ts": parent["ts"], "reply_broadcast": notice.kind == "escalation"}
    answer = _call("chat_postMessage", **message)
    place = answer.get("channel", channel)
    return {"to": channel, "channel": place, "ts": answer["ts"], "thread": parent.get("ts", "")}


def _amend(notice: Notice, channel: str) -> dict[str, Any]:
    """Replace the link of the message that asked by what was decided. Doing it twice is the same."""
    asked = Notice.objects.filter(
        review=notice.review_id, carrier="slack", recipient=notice.recipient, kind__in=notices.ASKING
    ).first()
    if asked is None or asked.state == Notice.State.DEAD:
        raise Broken("The message that asked for this never arrived, so there is nothing to amend.")
    if asked.state != Notice.State.SENT:
        raise Busy("The message that asked for this decision is not settled yet.")
    where = asked.remote
    # What was said last holds, whichever of the two arrives last.
    told = Notice.objects.filter(
        review=notice.review_id, carrier="slack", recipient=notice.recipient, kind=notice.kind
    )
    newest = told.order_by("id").last() or notice
    try:
        _call(
            "chat_update",
            channel=where["channel"],
            ts=where["ts"],
            text=blocks.sentence(newest),
            blocks=blocks.render(asked, decided=newest.content),
            metadata={"event_type": EVENT_TYPE, "event_payload": blocks.payload(asked)},
        )
    except Broken as broken:
        if str(broken) not in GONE:
            raise
        return _post(notice, channel, _parent(notice, channel))
    return dict(where)


def _messages(method: str, **where: str) -> Iterator[dict[str, Any]]:
    """Every message of a place, page by page. Unclear where the place cannot be read to its end."""
    cursor = ""
    for _ in range(MOST_PAGES):
        page = {"cursor": cursor} if cursor else {}
        try:
            answer = _call(method, include_all_metadata=True, limit=200, **page, **where)
        except Broken as broken:
            hint = "Give the app the scope channels:history, or resend"
            raise Unclear(f"It cannot be looked for ({broken}). {hint}.") from None
        yield from answer.get("messages", [])
        cursor = (answer.get("response_metadata") or {}).get("next_cursor", "")
        if not cursor:
            return
    raise Unclear("The channel has had too many messages since to look through. Look yourself, then resend.")


def _key(message: dict[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return ""
    return str((metadata.get("event_payload") or {}).get("outbox", ""))


def _call(method: str, **arguments: Any) -> dict[str, Any]:
    """One call of Slack's Web API; every way it can end badly becomes one of the carriers' three words."""
    token, url = settings.SLACK_BOT_TOKEN, settings.SLACK_API_URL
    client = WebClient(token, base_url=url, timeout=TIMEOUT, retry_handlers=[])
    try:
        answer = _within(TOTAL, lambda: getattr(client, method)(**arguments).data)
    except SlackApiError as error:
        raise _translate(error) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError | socket.gaierror):
            raise Busy(f"Slack was not reached: {error.reason}.") from None
        raise Unclear(f"The connection to Slack broke: {error.reason}.") from None
    except Exception as error:  # a cut answer shows itself in many ways; all of them may have arrived
        raise Unclear(f"Slack's answer did not come through: {error or type(error).__name__}.") from None
    if not isinstance(answer, dict) or not answer.get("ok"):
        raise Unclear("Slack's answer was not understood.")
    return answer


def _translate(error: SlackApiError) -> Exception:
    response = error.response
    status = getattr(response, "status_code", 0)
    data = getattr(response, "data", None)
    word = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429 or word in {"ratelimited", "rate_limited"}:
        return Busy("Slack asked to wait.", after=_seconds(getattr(response, "headers", {})))
    if status >= 500 or word in DOUBTFUL or not word:
        return Unclear(f"Slack answered {status or 'something unreadable'} {word}".strip() + ".")
    return Broken(word)


def _seconds(headers: Any) -> float:
    """Retry-After in seconds; a minute where Slack does not say or says nonsense, an hour at most."""
    text = next((str(headers[name]) for name in headers if name.lower() == "retry-after"), "")
    wanted = retry_after.seconds(text, clock.now())
    return 60.0 if wanted is None else min(wanted, 3600.0)


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """The call's answer, or Unclear when it takes longer; its thread is left to end by itself."""
    box: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            box.put((call(), None))
        except BaseException as error:
            box.put((None, error))

    threading.Thread(target=run, name="slack", daemon=True).start()
    try:
        answer, error = box.get(timeout=seconds)
    except queue.Empty:
        raise Unclear(f"Slack did not answer within {seconds:.0f} s.") from None
    if error is not None:
        raise error
    return answer
