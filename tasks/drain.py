"""The worker's loop: claims a batch, works on all of it at once, finishes in a batch.

One asyncio loop holds up to CLAWBOT_CONCURRENCY runs. The database is asked in one thread of its own,
one transaction per tick; a second thread beats the heart, so that a role that computes for long does
not lose the lease. Agents hand back an Outcome; what it means is decided in `lifecycle`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction

from agents.contract import Outcome, Unavailable, Usage

from . import briefing, database, lifecycle, output, queue, results, store
from .briefing import Papers
from .desk import Crossing, Exhausted
from .engine import doorbell, site, workers
from .engine.pulse import OVER_MEMORY, Pulse
from .lifecycle import Claimed, Result
from .models import Run, Subtask, Worker

T = TypeVar("T")
log = logging.getLogger(__name__)

LOOK = 1.0  # seconds between looks while no bell rings
FLUSH = 1.0  # seconds between writes of the notepads
RING = 0.1  # least seconds between two rings of one drain
LONGEST_BACKOFF = 3600.0
PATIENT_GRACE = 60.0  # seconds for what runs where nobody waits for the stop


@dataclass
class Running:
    """One run under way."""

    papers: Papers
    job: asyncio.Task[None]
    began: float  # monotonic
    briefed: bool = False  # the run's row has its brief
    dropped: bool = False  # nobody wants its result any more


@dataclass
class Failure:
    """A run that brought nothing: it is tried again later, or a person is asked."""

    claimed: Claimed
    why: str
    delay: float = 0.0
    counts: bool = True
    usage: Usage | None = None
    notes: list[dict[str, Any]] | None = None
    crossings: Sequence[Crossing] = ()


class Drain:
    """One worker process at work. `run` returns why it ended."""

    def __init__(self, worker: Worker, *, lingers: bool = True, watch: site.Watch | None = None) -> None:
        """`watch` tells whether the data folder is the one that all hosts share; without it none is asked."""
        self.worker = worker
        self.watch = watch
        self.lingers = lingers  # else it ends when nothing is left to do
        self.running: dict[int, Running] = {}
        self.back: list[Result | Failure] = []  # what the next tick hands in
        self.over = ""  # why it stops, once it does
        self._deadline = 0.0
        self._idle = False  # the last tick left nothing to do
        self._failures = 0  # ticks in a row that the database did not take
        self._abandoned = 0  # threads of sync roles that nobody waits for any more
        self._flushed = self._rang = 0.0
        self._bell_heard = True
        self._database = ThreadPoolExecutor(1, "database")

    # -- The loop -----------------------------------------------------------------------------------

    async def run(self) -> str:
        """Claim, work and finish until asked to stop, over the memory limit, or declared dead."""
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        pulse = Pulse(self.worker, self._held, self._from_pulse, self._loop.call_soon_threadsafe)
        bell = asyncio.create_task(self._listen())
        pulse.start()
        try:
            while not self._finished():
                await self._tick()
                if not self._idle or self.lingers:
                    await self._wait()
        finally:
            bell.cancel()
            pulse.stop()
            await self._ask(lambda: connection.close())  # the connection of that thread
            self._database.shutdown()
        return self.over

    def stop(self, why: str, grace: float) -> None:
        """Claim no more; give what runs up to `grace` seconds, then hand it back at once."""
        if not self.over:
            self.over, self._deadline = why, time.monotonic() + grace
        self._news.set()

    def _finished(self) -> bool:
        if not self.over:
            return self._idle and not self.lingers
        if time.monotonic() >= self._deadline:
            self._release_all()
        return not self.running and not self.back

    async def _wait(self) -> None:
        seconds = LOOK
        if self.over:
            seconds = min(LOOK, max(0.0, self._deadline - time.monotonic()))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()

    async def _listen(self) -> None:
        """Hear the bell; a broken line is opened again, and meanwhile the drain looks by itself."""
        while True:
            try:
                async for _ in doorbell.rings(self._ask):
                    self._bell_heard = True
                    self._news.set()
            except Exception:
                log.exception("The doorbell broke; it is mended in a second.")
            await asyncio.sleep(1)

    async def _ask(self, function: Callable[[], T]) -> T:
        """Run a function in the database thread."""
        return await self._loop.run_in_executor(self._database, function)

    # -- One tick -----------------------------------------------------------------------------------

    async def _tick(self) -> None:
        """Hand in what is ready and take what is free, in one transaction; begin the new work."""
        held = self.over or (self.watch and self.watch.fault)
        room = 0 if held else settings.CONCURRENCY - len(self.running) - self._abandoned
        back, self.back = self.back, []
        heard, self._bell_heard = self._bell_heard, False
        known = {*self.running, *(one.claimed.subtask.pk for one in back)}
        try:
            claimed = await self._ask(lambda: self._exchange(back, room, heard, known))
        except Exception as error:
            await self._recover(back, error)
            return
        self._failures = 0
        self._idle = not (claimed or self.running or self.back)
        for one in await self._ask(lambda: _papers(claimed)) if claimed else []:
            if isinstance(one, Papers):
                self._begin(one)
            else:
                self._hand_in(one)
        if time.monotonic() - self._flushed > FLUSH:
            await self._flush()

    async def _recover(self, back: list[Result | Failure], error: Exception) -> None:
        """Keep the results for the next tick. Whether the transaction was committed nobody knows."""
        self.back = back + self.back
        self._failures += 1
        passing = store.is_away(error)
        log.log(
            logging.WARNING if passing else logging.ERROR,
            "The database did not take a batch (%s); trying again.", error, exc_info=not passing,
        )  # fmt: skip
        await asyncio.sleep(min(2.0, 0.02 * 2**self._failures) * random.uniform(0.5, 1.5))

    def _exchange(
        self, back: list[Result | Failure], room: int, heard: bool, known: set[int]
    ) -> list[Claimed]:
        """In the database thread: the transaction of a tick."""
        if self._failures:
            connection.close()  # a session that began read-only stays so, and a broken one broken
            self._give_back_unknown(known)
        if heard:
            queue.answer()
        with queue.quiet() as rung:
            try:
                claimed = self._trade(back, room)
            except Exception as error:
                if not back or store.is_away(error):
                    raise
                log.exception("A batch was refused as a whole; its results are handed in one by one.")
                self._hand_in_singly(back)
                claimed = []
        if rung and len(claimed) >= room:
            self._ring()
        return claimed

    def _give_back_unknown(self, known: set[int]) -> None:
        """After a failure a claim may have been committed without our hearing of it: give back at once
        what is held in our name and nobody works on."""
        held = Subtask.objects.filter(worker=self.worker, status=Subtask.Status.DOING).exclude(pk__in=known)
        for row in held.select_related("task"):
            run = Run.objects.get(subtask=row, fence=row.fence)
            claimed = Claimed(subtask=row, task=row.task, run=run, fence=row.fence)
            why = "Its claim was lost on the way back from the database."
            lifecycle.retry_later(claimed, why=why, delay=timedelta(0), counts=False)

    def _trade(self, back: list[Result | Failure], room: int) -> list[Claimed]:
        with transaction.atomic():
            _take_in(back)
            return lifecycle.claim(self.worker, room) if room > 0 else []

    def _hand_in_singly(self, back: list[Result | Failure]) -> None:
        """One result that the database does not take must not keep the others out."""
        for one in back:
            try:
                _take_in([one])
            except Exception as error:
                if store.is_away(error):
                    raise
                why = f"Its result could not be stored: {type(error).__name__}: {error}"
                _take_in([Failure(one.claimed, why, counts=not self._lost_folder())])

    def _ring(self) -> None:
        """There is more than this drain can hold: wake the others, a few times a second at most."""
        if time.monotonic() - self._rang > RING:
            self._rang = time.monotonic()
            queue.ring()

    async def _flush(self) -> None:
        """Store the notepads of what runs longer than a moment, so that people see its last step."""
        self._flushed = time.monotonic()
        runs: list[Run] = []
        crossed: list[tuple[Claimed, list[Crossing]]] = []
        for one in self.running.values():
            desk, run = one.papers.desk, one.papers.claimed.run
            if self._flushed - one.began < FLUSH or (one.briefed and not desk.unread):
                continue
            one.briefed, desk.unread = True, 0
            crossed.append((one.papers.claimed, list(desk.crossings)))
            run.notes, run.tokens_in, run.tokens_out = (
                list(desk.notes),
                desk.usage.tokens_in,
                desk.usage.tokens_out,
            )
            runs.append(run)
        if runs:
            with suppress(DatabaseError, InterfaceError):
                await self._ask(lambda: _store_notes(runs, crossed))

    # -- Runs ---------------------------------------------------------------------------------------

    def _begin(self, papers: Papers) -> None:
        job = self._loop.create_task(self._work(papers))
        self.running[papers.claimed.subtask.pk] = Running(papers, job, time.monotonic())

    async def _work(self, papers: Papers) -> None:
        pk = papers.claimed.subtask.pk
        try:
            back: Result | Failure | None = await self._attempt(papers)
        except asyncio.CancelledError:
            back = None  # whoever cancelled it has seen to the row
        except Exception as error:  # our own fault, not the role's; the row must not be stuck for it
            log.exception("%s/%s could not be worked on", papers.brief.task, papers.brief.stage)
            back = Failure(papers.claimed, f"It could not be worked on: {_sentence(error)}", delay=30)
        running = self.running.pop(pk)
        if back is not None and not running.dropped:
            self._hand_in(back)
        self._news.set()

    async def _attempt(self, papers: Papers) -> Result | Failure:
        """Let the role work within its time; every way this can end becomes a result or a failure."""
        limit = asyncio.timeout(papers.seconds)
        try:
            async with limit:
                outcome = _read(await self._call(papers), papers)
            placed = []
            if any(made.suffix for made in outcome.made):
                await asyncio.to_thread(self._require_folder)
                placed = await asyncio.to_thread(output.place, outcome.made, papers.targets)
        except Unavailable as error:
            why = f"Something outside did not answer: {error}"
            return self._failed(papers, why, error.after_seconds, counts=error.tried)
        except Exhausted as error:
            outcome, placed = Outcome(word="escalate", question=str(error)), []
        except Exception as error:
            if limit.expired():
                return self._failed(
                    papers, f"It took longer than {papers.seconds:g} seconds and was stopped."
                )
            log.info("%s/%s failed", papers.brief.task, papers.brief.stage, exc_info=True)
            return self._failed(papers, _sentence(error))
        if outcome.word == "retry":
            why = outcome.why or outcome.summary or "The agent asked for another try."
            return self._failed(papers, why, outcome.after_seconds)
        desk = papers.desk
        return Result(
            papers.claimed, outcome, desk.usage, desk.notes, placed, desk.crossings, papers.built_on
        )

    def _lost_folder(self) -> str:
        return self.watch.lost() if self.watch else ""

    def _require_folder(self) -> None:
        if why := self._lost_folder():
            raise Unavailable(why, tried=False)

    def _call(self, papers: Papers) -> Awaitable[Any]:
        """An async role runs in the loop; a sync one in a thread of its own."""
        if papers.role.is_async:
            return papers.role.work(papers.brief, papers.desk)  # type: ignore[return-value]
        return self._in_thread(lambda: papers.role.work(papers.brief, papers.desk))

    async def _in_thread(self, function: Callable[[], Any]) -> Any:
        """Run a sync role. A thread cannot be stopped: one that nobody waits for any more goes on, keeps
        its place among the runs, and dies with the process."""
        future: asyncio.Future[Any] = self._loop.create_future()

        def settle(value: Any, error: BaseException | None) -> None:
            if future.done():
                self._abandoned -= 1
                self._news.set()
            elif error:
                future.set_exception(error)
            else:
                future.set_result(value)

        def body() -> None:
            value, error = None, None
            try:
                value = function()
            except BaseException as raised:
                error = raised
            with suppress(RuntimeError):  # the loop is gone, and so is who asked
                self._loop.call_soon_threadsafe(settle, value, error)

        threading.Thread(target=body, name="role", daemon=True).start()
        try:
            value = await future
        except asyncio.CancelledError:
            self._abandoned += 1
            raise
        return await value if inspect.isawaitable(value) else value

    def _failed(self, papers: Papers, why: str, after: float | None = None, counts: bool = True) -> Failure:
        row, desk = papers.claimed.subtask, papers.desk
        stage = papers.claimed.task.workflow_version.stage(row.stage)
        delay = pause(stage["retry"]["backoff"], row.attempts) if after is None else after
        counts = counts and not self._lost_folder()  # whatever failed, files may be why
        return Failure(papers.claimed, why, delay, counts, desk.usage, desk.notes, desk.crossings)

    def _hand_in(self, back: Result | Failure) -> None:
        self.back.append(back)
        self._news.set()

    # -- What the pulse says ------------------------------------------------------------------------

    def _held(self) -> set[tuple[int, int]]:
        """What this drain believes it holds, for the pulse to compare (called from its thread)."""
        return {(pk, one.papers.claimed.fence) for pk, one in list(self.running.items())}

    def _from_pulse(self, lost: set[tuple[int, int]], stop: str) -> None:
        with suppress(RuntimeError):  # the loop has just ended
            self._loop.call_soon_threadsafe(self._heed, lost, stop)

    def _heed(self, lost: set[tuple[int, int]], stop: str) -> None:
        for pk, fence in lost:
            one = self.running.get(pk)
            if one and one.papers.claimed.fence == fence:
                one.dropped = True
                one.job.cancel()
        if stop:
            self.stop(stop, settings.GRACE_SECONDS if stop != OVER_MEMORY else PATIENT_GRACE)

    def _release_all(self) -> None:
        """Hand back what still runs: ready again at once, and the attempt does not count."""
        for one in list(self.running.values()):
            if one.dropped:
                continue
            one.dropped = True
            one.job.cancel()
            desk = one.papers.desk
            why = f"Its worker stopped ({self.over}) before it was finished."
            self._hand_in(
                Failure(
                    one.papers.claimed, why, counts=False, usage=desk.usage, notes=desk.notes,
                    crossings=desk.crossings,
                )
            )  # fmt: skip


def work(cluster: str = "") -> str:
    """Be a worker until asked to stop; returns why it ended. Blocks."""
    worker = _enlist(cluster)
    connection.close()  # this thread needs none until the end; one kept so long may have been cut by then
    watch = site.watch("work", worker.name)
    why = "an error"
    try:
        why = asyncio.run(Drain(worker, watch=watch).run())
    finally:
        watch.stop()
        workers.end(worker, why)
    return why


def _enlist(cluster: str) -> Worker:
    """A row for this worker. A database that is away is waited for: nobody asks for this drain twice."""
    while True:
        try:
            queue.hang_bell()
            return workers.start(cluster)
        except (DatabaseError, InterfaceError) as error:
            if database.ails(error) is None or queue.orphaned():
                raise
            time.sleep(LOOK)


def pause(backoff: float, attempt: int) -> float:
    """Seconds until the next attempt: doubled each time, spread so that many do not come back at once."""
    return float(min(backoff * 2 ** max(0, attempt - 1), LONGEST_BACKOFF) * random.uniform(0.75, 1.25))


def _take_in(back: list[Result | Failure]) -> None:
    """Hand results and failures to the lifecycle. A result of a fence that is over is refused there."""
    lifecycle.finish([one for one in back if isinstance(one, Result)])
    for one in back:
        if isinstance(one, Failure):
            lifecycle.retry_later(
                one.claimed, why=one.why, delay=timedelta(seconds=one.delay), counts=one.counts,
                usage=one.usage, notes=one.notes, crossings=one.crossings,
            )  # fmt: skip


def _papers(claimed: list[Claimed]) -> list[Papers | Failure]:
    """The briefs for a batch. Where none can be made at all, every one of it is tried again later."""
    try:
        made = briefing.prepare(claimed)
    except Exception as error:
        log.exception("The briefs of a batch could not be made.")
        made = [(one, f"Its brief could not be made: {error}") for one in claimed]
    return [one if isinstance(one, Papers) else Failure(one[0], one[1], delay=30) for one in made]


def _read(outcome: Any, papers: Papers) -> Outcome:
    """What the role handed back, if it is what a role may hand back."""
    if not isinstance(outcome, Outcome):
        raise TypeError(f"the role {papers.role.name} handed back {type(outcome).__name__}, not an Outcome")
    if outcome.word == "done" and papers.brief.returns and not outcome.made:
        raise ValueError(f"it said done but made nothing; it returns {', '.join(papers.brief.returns)}")
    return outcome


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:1000] or type(error).__name__


def _store_notes(runs: list[Run], crossed: list[tuple[Claimed, list[Crossing]]]) -> None:
    """Only rows that still run are written: one that ended meanwhile has its last notes already."""
    with transaction.atomic():
        still = Run.objects.filter(pk__in=[run.pk for run in runs], status=Run.Status.DOING)
        if connection.features.has_select_for_update:
            still = still.select_for_update()
        doing = set(still.values_list("pk", flat=True))
        store.write_runs([run for run in runs if run.pk in doing])
        results.tell_crossings(crossed)
