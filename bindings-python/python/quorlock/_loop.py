"""The bridge of an event loop: one per loop, whatever number of clients uses it."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any
from weakref import ref

from quorlock._hearing import tell
from quorlock._quorlock import NativeBridge, NativeCall, NativeGuard

_threads = threading.local()


def _after_fork() -> None:
    global _threads
    _threads = threading.local()


os.register_at_fork(after_in_child=_after_fork)


class LoopBridge:
    """Runs calls of the engine for one loop.

    The loop watches one descriptor. However many calls end while it is busy, it wakes once and
    resolves all their futures in one go.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.native = NativeBridge()
        self._loop = ref(loop)
        loop.add_reader(self.native.fileno(), self._drain)

    def serves(self, loop: asyncio.AbstractEventLoop) -> bool:
        """True where this is the bridge of ``loop``."""
        return self._loop() is loop

    def _drain(self) -> None:
        rest = self.native.drain()
        if rest:
            tell(rest)

    async def run(self, call: NativeCall) -> Any:
        """Awaits what ``call`` ends with. Cancelled at any point, it leaves nothing behind."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        number = self.native.begin(call, future)
        try:
            return await future
        except (asyncio.CancelledError, GeneratorExit):
            # Three cases. Under way: the engine undoes it. Ended, not drained yet: the drain meets
            # a cancelled future and drops what was won. Drained, and the task was cancelled before
            # it resumed: the result is here, and nobody else will take it.
            self.native.cancel(number)
            if future.done() and not future.cancelled() and future.exception() is None:
                _give_back(future.result())
            raise


def _give_back(value: object) -> None:
    if isinstance(value, NativeGuard):
        # The release is begun, and goes on though nobody waits for it.
        value.release()


def running_bridge() -> LoopBridge:
    """The running loop's bridge."""
    loop = asyncio.get_running_loop()
    bridge: LoopBridge | None = getattr(_threads, "bridge", None)
    if bridge is None or not bridge.serves(loop):
        bridge = _threads.bridge = LoopBridge(loop)
    return bridge
