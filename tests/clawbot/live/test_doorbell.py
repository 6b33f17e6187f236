"""The doorbell of SQLite rings with a commit and is silent without one."""

import asyncio
import sqlite3
import time

from clawbot.live.doorbell import LONGEST_SECONDS, Counter


def test_rings_when_another_connection_commits(tmp_path):
    file = str(tmp_path / "bell.sqlite3")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("CREATE TABLE t (n)")

    async def waits():
        bell = Counter(file)
        started = time.monotonic()
        waiting = asyncio.create_task(bell.wait())
        await asyncio.sleep(0)
        other.execute("INSERT INTO t VALUES (1)")
        await waiting
        bell.close()
        return time.monotonic() - started

    assert asyncio.run(waits()) < LONGEST_SECONDS / 2


def test_gives_up_waiting_after_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr("clawbot.live.doorbell.LONGEST_SECONDS", 0.04)

    async def waits():
        bell = Counter(str(tmp_path / "bell.sqlite3"))
        await asyncio.wait_for(bell.wait(), 2)
        bell.close()

    asyncio.run(waits())
