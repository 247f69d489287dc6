"""Forks (R-53, R-54): a child works, and leaves what its parent holds alone."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from quorlock import AsyncClient, Client, ForkedProcessError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers import Servers


def child(body: Callable[[], object], within: float = 30) -> None:
    """Runs `body` in a forked child, which must end well and in time."""
    pid = os.fork()
    if pid == 0:
        code = 1
        with contextlib.suppress(BaseException):
            body()
            code = 0
        os._exit(code)
    by = time.monotonic() + within
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > by:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise AssertionError("the child hangs")
        time.sleep(0.005)
    assert os.waitstatus_to_exitcode(status) == 0


@contextlib.contextmanager
def idle(client: Client, name: str) -> Iterator[None]:
    del client, name
    yield


@contextlib.contextmanager
def acquiring(client: Client, name: str) -> Iterator[None]:
    stop = threading.Event()

    def turn(number: int) -> None:
        while not stop.is_set():
            with client.mutex(f"{name}:busy:{number}").using(timeout=30):
                pass

    threads = [threading.Thread(target=turn, args=(number % 2,)) for number in range(4)]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()


@contextlib.contextmanager
def renewing(client: Client, name: str) -> Iterator[None]:
    guards = [client.mutex(f"{name}:kept:{number}").acquire(ttl=3) for number in range(20)]
    yield
    assert all(guard.is_held for guard in guards)
    for guard in guards:
        guard.release()


@pytest.mark.parametrize("state", [idle, acquiring, renewing])
def test_a_child_works_whatever_the_parent_does(state: Any, five: Servers, name: str) -> None:
    client = Client(five.urls)
    held = client.mutex(f"{name}:held").acquire(ttl=20)

    def body() -> None:
        # What the parent holds is inert here.
        assert not held.is_held
        with pytest.raises(ForkedProcessError):
            held.release()
        with pytest.raises(ForkedProcessError):
            held.check()
        assert held.loss is None
        # The client from before the fork works, and so does a new one.
        with client.mutex(f"{name}:child").using(timeout=10):
            assert client.mutex(f"{name}:held").try_acquire() is None
        with Client(five.urls) as new, new.mutex(f"{name}:new").using(timeout=10):
            pass

        # A grandchild, too.
        def grand() -> None:
            client.mutex(f"{name}:grand").acquire(timeout=10).release()

        child(grand)

    with state(client, name):
        for _ in range(15):
            child(body)
    assert held.is_held
    assert held.release().result == "released"


def test_a_child_that_ends_inside_the_block_releases_nothing(five: Servers, name: str) -> None:
    client = Client(five.urls)
    with client.mutex(name).using(ttl=20) as guard:
        pid = os.fork()
        if pid == 0:
            # Out of the block by an exception, as `sys.exit` in a worker does it.
            try:
                with guard:
                    raise SystemExit(0)
            except SystemExit:
                os._exit(0)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert guard.is_held
        assert five.keys_of(name) >= 3
        guard.extend()


def test_callbacks_go_on_in_a_child(memory: list[str]) -> None:
    events: list[Any] = []
    heard = threading.Event()

    def on_event(event: Any) -> None:
        events.append(event)
        heard.set()

    client = Client(memory, on_event=on_event)
    client.mutex("a").acquire().release()
    assert heard.wait(10)

    def body() -> None:
        heard.clear()
        lost = threading.Event()
        guard = client.mutex("b").acquire(ttl=0.1, hold_max=0.1, on_lost=lambda _: lost.set())
        assert heard.wait(10)
        assert lost.wait(10)
        assert guard.loss == "hold_limit"

    child(body)


def test_a_fork_in_a_process_with_a_loop(five: Servers, name: str) -> None:
    client = AsyncClient(five.urls)

    async def in_child() -> None:
        async with client.mutex(f"{name}:child").using(timeout=10) as guard:
            assert guard.is_held
        new = AsyncClient(five.urls)
        await (await new.mutex(f"{name}:new").acquire(timeout=10)).release()

    def body() -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(in_child())

    async def main() -> None:
        guard = await client.mutex(name).acquire(ttl=5)
        waiting = asyncio.create_task(client.mutex(name).acquire(timeout=30))
        await asyncio.sleep(0.05)
        for _ in range(10):
            await asyncio.to_thread(child, body)
            child(body)
        assert guard.is_held
        await guard.release()
        await (await waiting).release()

    asyncio.run(main())


def job(urls: list[str], name: str) -> bool:
    with Client(urls) as client, client.mutex(name).using(timeout=30) as guard:
        return guard.is_held


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str, five: Servers, name: str) -> None:
    client = Client(five.urls)
    with client.mutex(f"{name}:parent").using(ttl=20) as guard:
        context: Any = multiprocessing.get_context(method)
        with context.Pool(3) as pool:
            assert all(pool.starmap(job, [(five.urls, f"{name}:{n % 2}") for n in range(12)]))
        assert guard.is_held
