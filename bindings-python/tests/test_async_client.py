"""The client of event loops, on asyncio and on uvloop."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from quorlock import (
    AsyncClient,
    AsyncGuard,
    Client,
    Event,
    InvalidArgumentError,
    LeaseLostError,
    LockContendedError,
    LockTimeoutError,
    NotHeldError,
    Ticket,
)
from quorlock._loop import running_bridge

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from servers import Servers

    Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine on a loop of its own."""

    def run(main: Coroutine[Any, Any, Any]) -> Any:
        loop = asyncio.new_event_loop() if request.param == "asyncio" else uvloop.new_event_loop()
        try:
            return loop.run_until_complete(main)
        finally:
            loop.close()

    return run


def test_one_holder_at_a_time_on_real_servers(run: Run, five: Servers, name: str) -> None:
    async def main() -> None:
        async with AsyncClient(five.urls) as client, AsyncClient(five.urls) as other:
            async with client.mutex(name) as guard:
                assert guard.is_held
                assert five.keys_of(name) >= 3
                assert await other.mutex(name).try_acquire() is None
                with pytest.raises(LockContendedError):
                    await other.mutex(name).acquire(timeout=0)
                with pytest.raises(LockTimeoutError):
                    await other.mutex(name).acquire(timeout=0.1)
            assert not guard.is_held
            again = await other.mutex(name).try_acquire(ttl=5)
            assert again is not None
            assert again.fencing_token is not None
            assert guard.fencing_token is not None
            assert again.fencing_token > guard.fencing_token
            assert (await again.release()).result == "released"

    run(main())
    five.wait_gone(name)


def test_a_hundred_tasks_take_turns(run: Run, async_client: AsyncClient) -> None:
    inside = 0
    most = 0

    async def work() -> None:
        nonlocal inside, most
        async with async_client.mutex("shared").using(timeout=60):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    async def main() -> None:
        await asyncio.gather(*(work() for _ in range(100)))

    run(main())
    assert most == 1
    assert async_client.stats().acquired == 100


def test_the_loop_wakes_once_for_many_results(run: Run, async_client: AsyncClient) -> None:
    async def main() -> tuple[int, int]:
        guard = await async_client.mutex("a").acquire()
        await guard.release()
        drains = 0
        native = running_bridge().native
        loop = asyncio.get_running_loop()

        def counted() -> None:
            nonlocal drains
            drains += 1
            native.drain()

        loop.remove_reader(native.fileno())
        loop.add_reader(native.fileno(), counted)
        results = await asyncio.gather(*(guard.release() for _ in range(5000)))
        return drains, len(results)

    drains, results = run(main())
    assert results == 5000
    assert drains < 500


def test_cancelled_calls_leave_no_key(run: Run, five: Servers, name: str) -> None:
    """R-41: whenever the cancel comes, under way, ended or delivered, the lock is given back."""
    rounds = 1500
    dice = random.Random(41)

    async def attempt(client: AsyncClient, number: int) -> bool:
        async def hold() -> AsyncGuard:
            return await client.mutex(f"{name}:{number % 40}").acquire(timeout=20)

        task = asyncio.create_task(hold())
        # From "not begun" over "on its way" to "waits for another" and "delivered, not resumed".
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
        if dice.random() < 0.7:
            await asyncio.sleep(dice.random() * 0.01)
        task.cancel()
        try:
            guard = await task
        except asyncio.CancelledError:
            return True
        await guard.release()
        return False

    async def main() -> int:
        async with AsyncClient(five.urls) as client:
            cancelled = 0
            for start in range(0, rounds, 100):
                numbers = range(start, start + 100)
                cancelled += sum(await asyncio.gather(*(attempt(client, n) for n in numbers)))
            # Whatever a cancelled call had won is free again, long before its ttl.
            begun = time.monotonic()
            for number in range(40):
                guard = await client.mutex(f"{name}:{number}").acquire(timeout=5)
                await guard.release()
            assert time.monotonic() - begun < 5
            return cancelled

    cancelled = run(main())
    assert 100 < cancelled <= rounds
    for number in range(40):
        five.wait_gone(f"{name}:{number}")


def test_a_result_that_was_delivered_is_given_back_by_a_late_cancel(
    run: Run, async_client: AsyncClient
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(async_client.mutex("late").acquire())
        await asyncio.sleep(0)
        native = running_bridge().native
        loop.remove_reader(native.fileno())
        time.sleep(0.1)  # noqa: ASYNC251 - the call shall end while the loop does not look
        native.drain()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as kept:
            await task
        loop.add_reader(native.fileno(), native.drain)
        # Though the error's traceback keeps the result alive.
        await (await async_client.mutex("late").acquire(timeout=5)).release()
        assert kept.tb is not None

    run(main())


def test_a_cancel_that_comes_late_hits_nobody_else(run: Run, async_client: AsyncClient) -> None:
    async def main() -> None:
        bridge = running_bridge()
        loop = asyncio.get_running_loop()
        guard = await async_client.mutex("a").acquire()
        first: asyncio.Future[Any] = loop.create_future()
        stale = bridge.native.begin(guard._native.release(), first)
        await first
        second = asyncio.create_task(async_client.mutex("a").acquire())
        await asyncio.sleep(0)
        bridge.native.cancel(stale)
        await (await second).release()

    run(main())


def test_a_lock_changes_hands_by_a_ticket(run: Run, async_client: AsyncClient) -> None:
    async def main() -> None:
        async with await async_client.mutex("job").acquire() as guard:
            ticket = await guard.detach()
        async with await async_client.adopt(Ticket.decode(ticket.encode())) as adopted:
            assert adopted.is_adopted
            with pytest.raises(NotHeldError):
                await async_client.adopt(ticket)

    run(main())


def test_a_loss_is_told_on_the_loop(run: Run, async_client: AsyncClient) -> None:
    told: list[tuple[AsyncGuard, str]] = []

    def on_lost(guard: AsyncGuard) -> None:
        told.append((guard, threading.current_thread().name))

    async def main() -> None:
        with pytest.raises(LeaseLostError):
            async with async_client.mutex("a").using(ttl=0.1, hold_max=0.2, on_lost=on_lost) as guard:
                assert await guard.lost.wait(10)
                assert guard.lost.reason == "hold_limit"
        assert told == [(guard, threading.current_thread().name)]

    run(main())


def test_waiting_for_a_loss_ends_with_the_release(run: Run, async_client: AsyncClient) -> None:
    async def main() -> None:
        guard = await async_client.mutex("a").acquire()
        assert not await guard.lost.wait(0.05)
        waiting = asyncio.create_task(guard.lost.wait())
        await asyncio.sleep(0.05)
        await guard.release()
        assert not await asyncio.wait_for(waiting, 10)

    run(main())


def test_events_come_on_the_loop(run: Run, memory: list[str]) -> None:
    events: list[Event] = []

    async def main() -> None:
        async with AsyncClient(memory, on_event=events.append) as client:
            async with client.mutex("a"):
                pass
            await asyncio.sleep(0.05)

    run(main())
    assert [event.kind for event in events] == ["acquired", "released"]


def test_a_lock_survives_a_blocked_loop(run: Run, async_client: AsyncClient) -> None:
    """R-58: the engine renews it, though neither loop nor interpreter would let anybody."""

    async def main() -> None:
        async with async_client.mutex("a").using(ttl=1.5) as guard:
            time.sleep(4.5)  # noqa: ASYNC251 - blocking is what is tested
            assert guard.is_held
            assert async_client.stats().renewed >= 3

    run(main())


def test_a_loop_that_hangs_loses_its_locks(run: Run, memory: list[str]) -> None:
    async def main() -> None:
        client = AsyncClient(memory, host_silence_max=2)
        guard = await client.mutex("a").acquire(ttl=1.5)
        time.sleep(4)  # noqa: ASYNC251 - a loop that hangs is what is tested
        assert not guard.is_held
        assert guard.loss == "host_silent"
        kept = await client.mutex("b").acquire(ttl=1.5)
        await asyncio.sleep(3)
        assert kept.is_held

    run(main())


def test_a_blocking_call_on_a_running_loop_is_refused(run: Run, client: Client) -> None:
    async def main() -> None:
        with pytest.raises(InvalidArgumentError, match="AsyncClient"):
            client.mutex("a").acquire()
        assert client.stats().acquired == 0
        guard = await asyncio.to_thread(client.mutex("a").acquire)
        await asyncio.to_thread(guard.release)

    run(main())


def test_a_client_may_allow_it(run: Run, memory: list[str]) -> None:
    async def main() -> None:
        Client(memory, allow_on_loop=True).mutex("a").acquire().release()

    run(main())


def test_a_loop_that_ends_keeps_no_lock(memory: list[str]) -> None:
    client = AsyncClient(memory)

    async def leave() -> None:
        # Waits for ever, and is cancelled with the loop.
        await client.mutex("a").acquire(timeout=60)
        asyncio.get_running_loop().create_task(client.mutex("a").acquire(timeout=60))

    asyncio.run(leave())

    async def take() -> None:
        await (await client.mutex("a").acquire(timeout=5)).release()

    asyncio.run(take())


def test_one_client_serves_loops_of_several_threads(async_client: AsyncClient) -> None:
    async def work() -> None:
        for _ in range(50):
            async with async_client.mutex("a").using(timeout=60):
                pass

    threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert async_client.stats().acquired == 150
