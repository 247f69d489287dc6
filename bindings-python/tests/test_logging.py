"""What is logged, and where."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest
from quorlock import AsyncClient, Client, LockTimeoutError
from quorlock._process import inbox
from servers import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _level() -> Iterator[None]:
    logger = logging.getLogger("quorlock")
    before = logger.level
    yield
    logger.setLevel(before)


def test_levels_are_followed_though_set_late(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("quorlock")
    logger.setLevel(logging.WARNING)
    with client.mutex("quiet"):
        pass
    assert not caplog.records
    logger.setLevel(logging.DEBUG)
    with client.mutex("loud"), pytest.raises(LockTimeoutError):
        client.mutex("loud").acquire(timeout=0.01)
    eventually(lambda: len(caplog.records) >= 3)
    told = [(record.levelname, record.getMessage().split(",")[0]) for record in caplog.records]
    assert told == [
        ("DEBUG", "acquired 'loud'"),
        ("INFO", "failed 'loud': QUORLOCK_TIMEOUT"),
        ("DEBUG", "released 'loud': released"),
    ]
    assert {record.__dict__["quorlock_resource"] for record in caplog.records} == {"loud"}
    # On this thread, unless an earlier test had the callback thread started.
    threads = {threading.current_thread().name, "quorlock-callbacks"}
    assert {record.threadName for record in caplog.records} <= threads


def test_a_loss_is_a_warning(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    guard = client.mutex("short").acquire(ttl=0.05, hold_max=0.05)
    guard.lost.wait(10)
    guard.release()
    lost = ("quorlock", logging.WARNING, "lost 'short': hold_limit")
    eventually(lambda: lost in caplog.record_tuples)


def test_a_loop_logs_on_its_own_thread(
    async_client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        guard = await async_client.mutex("short").acquire(ttl=0.05, hold_max=0.05)
        await guard.lost.wait(10)
        await asyncio.sleep(0.05)

    asyncio.run(main())
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage() for record in warnings] == ["lost 'short': hold_limit"]


def test_events_nobody_hears_are_bounded(memory: list[str]) -> None:
    asked = threading.Event()
    free = threading.Event()
    heard = []

    def slow(event: object) -> None:
        asked.set()
        free.wait(60)
        heard.append(event)

    with Client(memory, on_event=slow) as client:
        client.mutex("first").acquire().release()
        assert asked.wait(10)
        for _ in range(5_200):
            client.mutex("a").acquire().release()
        free.set()
        by = time.monotonic() + 30
        while len(heard) <= 9_000 and time.monotonic() < by:
            time.sleep(0.01)
    assert inbox().threads
    assert 9_000 < len(heard) <= 10_100
