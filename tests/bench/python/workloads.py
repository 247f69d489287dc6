"""The work that is measured; each function returns one number, or a few by name."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import uvloop
from contestants import Async, Blocking
from quorlock import AsyncClient, Client

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Taken = list[tuple[float, str]]
"""When who got the lock."""

_run_number = 0


def fresh(what: str) -> str:
    """A name no earlier run has used."""
    global _run_number
    _run_number += 1
    return f"bench:{what}:{_run_number}"


def run(main: Coroutine[Any, Any, Any], is_uvloop: bool) -> Any:
    """Runs a coroutine on a loop of its own."""
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop() if is_uvloop else asyncio.new_event_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


def bridge(is_async: bool, is_uvloop: bool, calls: int) -> float:
    """Microseconds of a call that does nothing: releasing again what was released."""
    if not is_async:
        guard = Client(["memory://bench"]).mutex(fresh("bridge")).acquire()
        guard.release()
        begun = time.perf_counter()
        for _ in range(calls):
            guard.release()
        return (time.perf_counter() - begun) / calls * 1e6

    async def main() -> float:
        guard = await AsyncClient(["memory://bench"]).mutex(fresh("bridge")).acquire()
        await guard.release()
        begun = time.perf_counter()
        for _ in range(calls):
            await guard.release()
        return (time.perf_counter() - begun) / calls * 1e6

    return float(run(main(), is_uvloop))


def blocking_cycles(library: str, urls: list[str], threads: int, seconds: float) -> float:
    """Acquire and release of free locks per second."""
    contestant = Blocking(library, urls)
    name = fresh("cycles")
    counts = [0] * threads
    with contestant.hold(name):
        pass
    by = time.perf_counter() + seconds

    def work(number: int) -> None:
        while time.perf_counter() < by:
            with contestant.hold(f"{name}:{number}:{counts[number] % 10}"):
                counts[number] += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / (time.perf_counter() - begun)


def async_cycles(library: str, urls: list[str], tasks: int, seconds: float, is_uvloop: bool) -> float:
    """The same on an event loop."""

    async def main() -> float:
        contestant = Async(library, urls)
        name = fresh("cycles")
        async with contestant.hold(name):
            pass
        counts = [0] * tasks
        by = time.perf_counter() + seconds

        async def work(number: int) -> None:
            while time.perf_counter() < by:
                async with contestant.hold(f"{name}:{number}:{counts[number] % 10}"):
                    counts[number] += 1

        begun = time.perf_counter()
        await asyncio.gather(*(work(number) for number in range(tasks)))
        took = time.perf_counter() - begun
        await contestant.close()
        return sum(counts) / took

    return float(run(main(), is_uvloop))


def _contend(library: str, urls: list[str], name: str, waiters: list[str], seconds: float) -> Taken:
    """Waiters on one loop take one lock in turns; when who got it."""
    taken: Taken = []
    until = time.monotonic() + seconds

    async def main() -> None:
        contestant = Async(library, urls)

        async def work(waiter: str) -> None:
            while time.monotonic() < until:
                async with contestant.hold(name):
                    if time.monotonic() < until:
                        taken.append((time.monotonic(), waiter))

        await asyncio.gather(*(work(waiter) for waiter in waiters))
        await contestant.close()

    run(main(), False)
    return taken


def _contend_in_process(start: Any, results: Any, *arguments: Any) -> None:
    start.wait()
    results.put(_contend(*arguments))


def _contend_in_processes(
    library: str, urls: list[str], name: str, shares: list[list[str]], seconds: float
) -> Taken:
    context = multiprocessing.get_context("spawn")
    # All begin together, however long a process takes to start.
    start, results = context.Barrier(len(shares)), context.Queue()
    workers = [
        context.Process(
            target=_contend_in_process, args=(start, results, library, urls, name, share, seconds)
        )
        for share in shares
    ]
    for worker in workers:
        worker.start()
    taken = [one for _ in workers for one in results.get(timeout=300)]
    for worker in workers:
        worker.join()
    return taken


def handovers(library: str, urls: list[str], processes: int, seconds: float) -> dict[str, float]:
    """Twenty waiters: hand-overs to another waiter per second, and slowest by fastest waiter."""
    name = fresh("handover")
    waiters = [f"waiter {number}" for number in range(20)]
    if processes == 1:
        taken = _contend(library, urls, name, waiters, seconds)
    else:
        shares = [waiters[number::processes] for number in range(processes)]
        taken = _contend_in_processes(library, urls, name, shares, seconds)
    order = [waiter for _, waiter in sorted(taken)]
    changes = sum(one != other for one, other in itertools.pairwise(order))
    counts = Counter(order)
    each = [counts[waiter] for waiter in waiters]
    return {
        "handovers_per_second": changes / seconds,
        "slowest_by_fastest": min(each) / max(each) if max(each) else 0.0,
    }


def renewals(library: str, urls: list[str], leases: int, seconds: float) -> dict[str, float]:
    """Leases lost, and processor seconds per second, while so many are renewed."""

    async def main() -> dict[str, float]:
        contestant = Async(library, urls)
        name = fresh("lease")
        acquire = _acquirer(contestant, library)
        guards: list[Any] = []
        for start in range(0, leases, 500):
            names = [f"{name}:{number}" for number in range(start, min(start + 500, leases))]
            got = await asyncio.gather(*map(acquire, names), return_exceptions=True)
            guards.extend(guard for guard in got if not isinstance(guard, BaseException))
        begun, used = time.perf_counter(), time.process_time()
        await asyncio.sleep(seconds)
        took, used = time.perf_counter() - begun, time.process_time() - used
        kept = await _kept(library, urls, name, leases, guards)
        if library == "quorlock":
            await contestant.close()
        return {"lost": float(leases - kept), "processor_share": used / took}

    return dict(run(main(), False))


def _acquirer(contestant: Async, library: str) -> Callable[[str], Coroutine[Any, Any, Any]]:
    async def acquire(name: str) -> Any:
        if library == "quorlock":
            return await contestant._client.mutex(name).acquire()
        return await contestant._client.lock(name)

    return acquire


async def _kept(library: str, urls: list[str], name: str, leases: int, guards: list[Any]) -> int:
    """How many still stand on a majority of the nodes and, where the library knows, in its eyes."""
    import redis.asyncio

    standing: Counter[int] = Counter()
    for url in urls:
        server = redis.asyncio.Redis.from_url(url)
        found = await server.mget([f"{name}:{number}" for number in range(leases)])
        standing.update(number for number, value in enumerate(found) if value is not None)
        await server.aclose()
    on_majority: int = sum(count > len(urls) // 2 for count in standing.values())
    if library == "quorlock":
        held: int = sum(guard.is_held for guard in guards)
        return min(on_majority, held)
    return on_majority
