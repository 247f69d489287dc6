"""What belongs to one process: where threads hear callbacks, forks, and the interpreter's end.

Threads have no loop to call them back. Losses and events wait in the inbox; whoever calls a blocking
client next tells what is there, and where a callback was asked for, a thread of its own does.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING
from weakref import WeakSet

from quorlock import _quorlock
from quorlock._hearing import tell
from quorlock._quorlock import NativeBridge
from quorlock.errors import QuorlockError

if TYPE_CHECKING:
    from quorlock._quorlock import NativeCall, NativeClient

# How long an interpreter that ends waits in all: for locks to be given back, for the callback
# thread, and for threads that wait for a lock.
_CLOSE_SECONDS = 0.1
_CALLBACK_SECONDS = 0.05
_WAITING_SECONDS = 0.15


class Inbox:
    """What threads of this process are to hear."""

    def __init__(self) -> None:
        self.bridge = NativeBridge()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def tell(self) -> None:
        """Tells what has come, unless a thread does."""
        if self._thread is None and not self.bridge.is_empty():
            tell(self.bridge.drain())

    def start(self) -> None:
        """Starts the thread that tells at once; it is there once per process.

        It is a daemon, because a thread that ends with the program must not keep it from ending;
        the exit handler stops it while the interpreter is whole.
        """
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="quorlock-callbacks", daemon=True)
                self._thread = thread
                thread.start()

    def _run(self) -> None:
        with contextlib.suppress(QuorlockError):
            while self.bridge.wait():
                tell(self.bridge.drain())

    def stop(self) -> None:
        """Ends the thread."""
        self.bridge.close()
        if self._thread is not None:
            self._thread.join(_CALLBACK_SECONDS)

    @property
    def threads(self) -> set[threading.Thread]:
        """Its own thread, if there is one."""
        return set() if self._thread is None else {self._thread}


_inbox: Inbox | None = None
_clients: WeakSet[_Closable] = WeakSet()


class _Closable:
    """A client, to be closed when the interpreter ends."""

    _native: NativeClient

    def __init__(self) -> None:
        _clients.add(self)


def inbox() -> Inbox:
    """This process's inbox."""
    global _inbox
    if _inbox is None:
        _inbox = Inbox()
    return _inbox


def _after_fork() -> None:
    global _inbox
    # The parent's inbox is not touched: another thread may have held its locks at the fork.
    _inbox = None
    _quorlock.after_fork()


def _at_exit() -> None:
    mine = {threading.current_thread()}
    if _inbox is not None:
        mine |= _inbox.threads
    others = set(threading.enumerate()) - mine
    # A daemon thread still runs, perhaps under a lock: then every lock is left to its ttl.
    if not others:
        _close_all()
    if _inbox is not None:
        _inbox.stop()
    _quorlock.leave(_WAITING_SECONDS)


def _close_all() -> None:
    by = time.monotonic() + _CLOSE_SECONDS
    closing: list[NativeCall] = []
    for client in list(_clients):
        with contextlib.suppress(QuorlockError):
            closing.append(client._native.close(_CLOSE_SECONDS))
    for call in closing:
        if time.monotonic() < by:
            with contextlib.suppress(QuorlockError):
                while call.wait() is ... and time.monotonic() < by:
                    pass


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
