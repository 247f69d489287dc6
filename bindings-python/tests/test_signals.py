"""Waits end for signals (R-56) and let other threads run (R-57)."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from quorlock import Client, Event, Guard
from scripts import begin, ended

if TYPE_CHECKING:
    from servers import Servers

WAITER = """
import sys, time
from quorlock import Client, Event, Guard
client = Client(sys.argv[1].split(","))
print("ready", flush=True)
for line in sys.stdin:
    try:
        client.mutex(sys.argv[2]).acquire(timeout=60)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_ctrl_c_ends_a_wait_and_cleans_up(five: Servers, name: str) -> None:
    client = Client(five.urls)
    guard = client.mutex(name).acquire(ttl=60)
    process = begin(WAITER, ",".join(five.urls), name)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    took = []
    for _ in range(20):
        process.stdin.write("wait\n")
        process.stdin.flush()
        until(lambda: waiters(client, name) == 1)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        took.append(time.monotonic() - begun)
        until(lambda: waiters(client, name) == 0)
    code, _, err = ended(process)
    assert (code, err) == (0, "")
    assert sorted(took)[len(took) // 2] < 0.1
    guard.release()
    five.wait_gone(name)


def waiters(client: Client, name: str) -> int:
    return max(node.waiters or 0 for node in client.inspect(name).nodes)


def until(condition: object, within: float = 10) -> None:
    by = time.monotonic() + within
    assert callable(condition)
    while not condition():
        assert time.monotonic() < by
        time.sleep(0.01)


def test_an_exception_from_another_thread_ends_a_wait(client: Client) -> None:
    class TimeLimitError(BaseException):
        pass

    raised = threading.Event()

    def wait() -> None:
        try:
            client.mutex("a").acquire(timeout=60)
        except TimeLimitError:
            raised.set()

    with client.mutex("a"):
        thread = threading.Thread(target=wait)
        thread.start()
        until(lambda: waiters(client, "a") == 1)
        assert thread.ident is not None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(TimeLimitError)
        )
        assert raised.wait(10)
        until(lambda: waiters(client, "a") == 0)
        thread.join()


def test_a_signal_handler_that_returns_lets_the_wait_go_on(client: Client) -> None:
    heard = []
    before = signal.signal(signal.SIGALRM, lambda number, _: heard.append(number))
    try:
        guard = client.mutex("a").acquire()
        threading.Timer(0.5, guard.release).start()
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        client.mutex("a").acquire(timeout=30).release()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert heard == [signal.SIGALRM]


def test_other_threads_run_while_one_waits(client: Client) -> None:
    def count(seconds: float) -> int:
        counted = 0
        by = time.thread_time() + seconds
        while time.thread_time() < by:
            counted += 1
        return counted

    guard = client.mutex("a").acquire()
    waiting = threading.Thread(target=lambda: client.mutex("a").acquire(timeout=60).release())
    waiting.start()
    before = sys.getswitchinterval()
    # Were the GIL held, nothing would run before the wait is over; as it is, only slices end.
    begun = time.monotonic()
    counted = count(0.3)
    guard.release()
    waiting.join()
    assert counted > 1000
    assert time.monotonic() - begun < 30
    assert sys.getswitchinterval() == before


def test_many_threads_at_once_never_hang(memory: list[str]) -> None:
    events: list[Event] = []
    client = Client(memory, on_event=events.append)
    lost: list[Guard] = []

    def work(number: int) -> None:
        for turn in range(20):
            mutex = client.mutex(f"a{turn % 3}")
            with mutex.using(timeout=60, ttl=5, on_lost=lost.append) as guard:
                guard.extend()
                assert guard.is_held
            client.mutex(f"b{number}").try_acquire()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not lost
    assert client.close()
    until(lambda: sum(event.kind == "acquired" for event in events) == 480)


def test_renewal_goes_on_while_the_gil_is_held(client: Client) -> None:
    interpreter = ctypes.PyDLL(None)
    with client.mutex("a").using(ttl=1.5) as guard:
        interpreter.usleep(4_500_000)
        assert guard.is_held
