"""The feed reads every line once, in whatever order transactions commit."""

import pytest

from clawbot.live import feed
from clawbot.live.feed import Change, Feed
from tasks import log
from tasks.event_kinds import KINDS
from tasks.models import Event

pytestmark = pytest.mark.django_db


def write(*ids):
    events = [log.line("worker.started", by="clawbot", worker="w") for _ in ids]
    for event, id in zip(events, ids, strict=True):
        event.pk = id
    Event.objects.bulk_create(events)


def seqs(changes):
    return [change.seq for change in changes]


def test_gives_each_line_once():
    place = Feed(after=0)
    write(1, 2, 3)

    first, second = place.read(0), place.read(1)

    assert seqs(first) == [1, 2, 3]
    assert second == []


def test_finds_a_line_that_commits_after_a_later_one():
    place = Feed(after=0)
    write(1, 3)
    place.read(0)
    write(2)

    assert seqs(place.read(1)) == [2]


def test_stops_waiting_for_a_gap_after_a_few_seconds():
    place = Feed(after=0)
    write(1, 3)
    place.read(0)

    place.read(feed.GAP_SECONDS + 1)

    assert place.gaps == {}


def test_remembers_only_the_youngest_part_of_a_large_hole():
    place = Feed(after=0)
    write(1, 10_000_000)

    place.read(0)

    assert len(place.gaps) == feed.MOST_GAPS
    assert max(place.gaps) == 9_999_999


def test_reads_at_most_a_batch_at_a_time(monkeypatch):
    monkeypatch.setattr(feed, "BATCH", 2)
    place = Feed(after=0)
    write(1, 2, 3)

    assert [seqs(place.read(0)), seqs(place.read(0))] == [[1, 2], [3]]


def test_says_what_changed_and_never_what_it_says():
    change = Change(7, "review.decided", "ART-1", 4)

    assert change.topics == ("activity", "task:ART-1", "board", "reviews")


@pytest.mark.parametrize(
    "kind, topic",
    [
        ("hold.placed", "holds"),
        ("hold.lifted", "board"),
        ("notice.sent", "deliveries"),
        ("worker.lost", "agents"),
    ],
)
def test_tells_each_page_of_what_it_shows(kind, topic):
    assert topic in Change(1, kind).topics


def test_names_only_families_of_events_that_exist():
    assert set(feed.OF_FAMILY) <= {kind.partition(".")[0] for kind in KINDS}
