"""What guards of threads and of event loops have in common: all that is local."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from quorlock._hearing import called_back, enlist

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from quorlock._quorlock import NativeBridge, NativeGuard
    from quorlock.reports import LossReason

# The guard of the innermost function under `locked`, in this thread or task.
current: ContextVar[Any] = ContextVar("quorlock_guard")


class Holding:
    """A held lock: what can be asked without I/O, from any thread."""

    def __init__(
        self,
        native: NativeGuard,
        bridge: NativeBridge,
        on_lost: Callable[[Self], object] | None = None,
    ) -> None:
        self._native = native
        self._bridge = bridge
        self._on_lost = on_lost
        self._key: int | None = None
        self._is_detached = False
        if on_lost is not None:
            self._watch()

    @classmethod
    def current(cls) -> Self:
        """The guard of the innermost function decorated with ``locked`` that runs here.

        Raises:
            LookupError: No such function runs in this thread or task, or its client is of the
                other kind.
        """
        guard = current.get(None)
        if not isinstance(guard, cls):
            raise LookupError(f"no function under locked() with a {cls.__name__} runs here")
        return guard

    @property
    def resource(self) -> str:
        """The resource this lock is for, as it was named."""
        return self._native.resource

    @property
    def resources(self) -> tuple[str, ...]:
        """The resources this lock is for: one, or those of a multi-resource lock."""
        return tuple(self._native.resources)

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots of a semaphore that are held, each below its limit; empty for any other lock."""
        return tuple(self._native.slots)

    @property
    def is_held(self) -> bool:
        """True where the lock may be used at this moment.

        Local, no I/O. It tells the truth also after the process was paused or its loop was blocked,
        whether or not the loss was told yet.
        """
        return self._native.is_held()

    @property
    def remaining(self) -> float:
        """Seconds the lock may still be used unless it is renewed; zero once it may not. Local."""
        return self._native.remaining()

    @property
    def fencing_token(self) -> int | None:
        """The fencing token: hand it to every store you write to.

        It strictly increases over the successive holders of one resource. ``None`` where fencing is
        off or a majority of the nodes cannot count.
        """
        return self._native.fencing_token

    @property
    def is_adopted(self) -> bool:
        """True where this lock came by a ticket, without a gap since the publisher acquired it."""
        return self._native.is_adopted

    @property
    def is_once(self) -> bool:
        """True where this lock is of a job that is done once: releasing it says that it is done."""
        return self._native.is_once

    @property
    def loss(self) -> LossReason | None:
        """Why the lock was lost; ``None`` where it was not. Local."""
        return cast("LossReason | None", self._native.loss())

    def check(self) -> None:
        """Does nothing where the lock may be used now: put it before each step that needs it. Local.

        Raises:
            LeaseLostError: It was lost.
            NotHeldError: It was released or handed over.
            ForkedProcessError: This is a forked child; the parent has the lock.
        """
        self._native.check()

    def _watch(self) -> None:
        """Has a loss told here."""
        if self._key is None:
            self._key = enlist(self)
            self._native.watch(self._bridge, self._key)

    def hear(self, told: Any) -> None:
        """Called once where the lock was lost; not for users."""
        del told
        self._over()
        if self._on_lost is not None:
            called_back(self._on_lost, self)

    def _over(self) -> None:
        """The lock ended: lost, released or handed over."""

    def __repr__(self) -> str:
        kind = type(self).__name__
        if self.loss is not None:
            state = f"lost: {self.loss}"
        elif self.is_held:
            state = f"held for {self.remaining:.3f} s more unless renewed"
        else:
            state = "not held"
        token = "" if self.fencing_token is None else f", fencing token {self.fencing_token}"
        return f"<{kind} of {self.resource!r}, {state}{token}>"
