"""The waterfall's axis: work keeps its width, idle stretches are folded, nothing leaves the chart."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from clawbot.dashboard.timeline import Axis

START = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)


def at(minutes):
    return START + timedelta(minutes=minutes)


def test_folds_a_long_wait_so_that_work_keeps_most_of_the_width():
    axis = Axis(START, at(180), [(at(0), at(20)), (at(20), at(38))])

    [(start, end)] = axis.folds

    assert at(38) < start < end < at(180)
    assert axis.x(at(38)) > 60


def test_folds_nothing_where_work_is_close_together():
    axis = Axis(START, at(38), [(at(0), at(20)), (at(21), at(38))])

    assert axis.folds == []
    assert abs(axis.x(at(19)) - 50) < 0.1


def test_keeps_the_order_of_moments_across_a_fold():
    axis = Axis(START, at(400), [(at(0), at(10)), (at(200), at(210))])

    places = [axis.x(at(minute)) for minute in range(0, 401, 5)]

    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, 100)


def test_draws_a_moment_wide_enough_to_be_seen_and_inside_the_chart():
    axis = Axis(START, at(60), [(at(0), at(60))])

    bar = axis.bar("working", at(60), at(60))

    assert bar.width > 0
    assert bar.x + bar.width <= 100


def test_writes_no_time_upon_another():
    axis = Axis(START, at(180), [(at(0), at(38))])

    places = [tick.x for tick in axis.ticks()]

    assert len(places) <= 6
    assert all(right - left > 10 for left, right in pairwise(places))
