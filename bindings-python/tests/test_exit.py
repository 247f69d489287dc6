"""The interpreter's end with live locks (R-55): its own exit code, no hang, no crash."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from scripts import run

if TYPE_CHECKING:
    from servers import Servers

BEFORE = """
import asyncio, atexit, os, sys, threading, time
from quorlock import AsyncClient, Client
urls = sys.argv[1].split(",")
name = sys.argv[2]
client = Client(urls)
"""

HOLDING = "guard = client.mutex(name).acquire(ttl=5)\n"

# What the program does last, and its exit code.
ENDS = {
    "falls off the end": (HOLDING, 0),
    "sys.exit": (HOLDING + "sys.exit(7)", 7),
    "an exception nobody handles": (HOLDING + "raise KeyError", 1),
    "a callback thread": (
        "guard = client.mutex(name).acquire(ttl=5, on_lost=print)\n",
        0,
    ),
    "a callback that hangs": (
        "hang = lambda _: time.sleep(60)\n"
        "guard = client.mutex(name).acquire(ttl=0.05, hold_max=0.05, on_lost=hang)\n"
        "time.sleep(0.5)",
        0,
    ),
    "an atexit handler that releases": (HOLDING + "atexit.register(guard.release)", 0),
    "an atexit handler from before quorlock": (HOLDING, 0),
    "os._exit": (HOLDING + "os._exit(3)", 3),
    "daemon threads that wait": (
        HOLDING
        + """
def wait():
    other = Client(urls)
    other.mutex(name).acquire(timeout=60)
for _ in range(8):
    threading.Thread(target=wait, daemon=True).start()
time.sleep(0.3)
""",
        0,
    ),
    "daemon threads that wait while the interpreter is torn down": (
        HOLDING
        + """
def wait():
    client.mutex(name).acquire(timeout=60)
for _ in range(8):
    threading.Thread(target=wait, daemon=True).start()
class Late:
    def __del__(self, sleep=time.sleep):
        # Lets go of the GIL when no thread may take it any more.
        sleep(0.3)
late = Late()
time.sleep(0.2)
""",
        0,
    ),
    "daemon threads that go round": (
        """
def turn(number):
    while True:
        with client.mutex(f"{name}:{number % 3}"):
            pass
for number in range(6):
    threading.Thread(target=turn, args=(number,), daemon=True).start()
time.sleep(0.3)
""",
        0,
    ),
    "a daemon thread with a lost event": (
        HOLDING + "threading.Thread(target=guard.lost.wait, daemon=True).start()\ntime.sleep(0.1)",
        0,
    ),
    "asyncio with locks held and waited for": (
        """
async def main():
    client = AsyncClient(urls)
    guard = await client.mutex(name).acquire(ttl=5)
    task = asyncio.create_task(client.mutex(name).acquire(timeout=60))
    await asyncio.sleep(0.05)
    globals()["kept"] = guard
asyncio.run(main())
""",
        0,
    ),
    "asyncio in a daemon thread": (
        """
async def main():
    client = AsyncClient(urls)
    guard = await client.mutex(name).acquire(ttl=5)
    await client.mutex(name).acquire(timeout=60)
threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
time.sleep(0.3)
""",
        0,
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_ends(end: str, five: Servers, name: str) -> None:
    script, expected = ENDS[end]
    before = BEFORE
    if end.endswith("before quorlock"):
        before = "import atexit\natexit.register(lambda: guard.release())\n" + before
    for _ in range(3):
        code, out, err = run(before + script, ",".join(five.urls), f"{name}:{time.monotonic()}")
        assert code == expected, (out, err)
        # What a program that ends says is its own.
        assert ("Traceback" in err) == (expected == 1)


def test_locks_are_given_back_at_the_end(five: Servers, name: str) -> None:
    code, _, err = run(BEFORE + HOLDING, ",".join(five.urls), name)
    assert (code, err) == (0, "")
    # Its ttl is five seconds; this is about not waiting for it.
    five.wait_gone(name, within=2)


def test_a_lock_of_a_daemon_thread_is_left_to_its_ttl(five: Servers, name: str) -> None:
    script = """
def hold():
    with client.mutex(name).using(ttl=60):
        time.sleep(60)
threading.Thread(target=hold, daemon=True).start()
time.sleep(0.3)
"""
    code, _, err = run(BEFORE + script, ",".join(five.urls), name)
    assert (code, err) == (0, "")
    assert five.keys_of(name) >= 3


def test_the_end_takes_no_longer_than_its_bound(name: str) -> None:
    script = BEFORE + HOLDING + "atexit.register(lambda: print(time.monotonic()))"
    extras = []
    for _ in range(5):
        code, out, err = run(script, "memory://", name)
        assert (code, err) == (0, "")
        extras.append(time.monotonic() - float(out))
    # The bound is 0.3 s; the interpreter's own end and a loaded machine add to it.
    assert min(extras) < 0.5
