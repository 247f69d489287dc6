"""The guard of a thread: a held lock, and the only thing here that has state."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, Any

from quorlock._holding import Holding
from quorlock._quorlock import seconds_of
from quorlock.errors import ForkedProcessError, LeaseLostError
from quorlock.reports import Released
from quorlock.ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from quorlock._quorlock import NativeCall, NativeGuard
    from quorlock.client import Client
    from quorlock.options import Span
    from quorlock.reports import LossReason

__all__ = ["Guard", "LostEvent"]


class Guard(Holding):
    """A held lock.

    The engine renews it in the background until it is released, handed over, lost, or held for
    ``hold_max``; that goes on while this thread works, sleeps or holds the GIL. A guard that is
    garbage-collected releases its lock in the background.

    *Threads*: all methods may be called from any thread. *Fork*: in a forked child the guard is
    inert: not held there, and it neither extends nor releases what the parent holds.

    As a context manager it releases at the end, and raises `LeaseLostError` there if the lock was
    lost while the block ran without another exception.
    """

    def __init__(
        self,
        client: Client,
        native: NativeGuard,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> None:
        self._client = client
        super().__init__(native, client._inbox.bridge, on_lost)

    @property
    def lost(self) -> LostEvent:
        """The loss of this lock, to be asked for or waited for."""
        return LostEvent(self)

    def reenter(self) -> Guard:
        """One more guard of the same lock, for the same owner. Local.

        A part of the work that locks for itself gets it from whoever has the lock already. Each
        guard is released by itself; the lock is given back with the last one, whose release says
        whether the work is done. An inner release is ``still_held``. A loss reaches all.

        Raises:
            LeaseLostError: It was lost.
            NotHeldError: This guard was released, or the lock was handed over.
            ForkedProcessError: This is a forked child.
        """
        return Guard(self._client, self._native.reenter())

    def release(self) -> Released:
        """Gives the lock back: on every node, in one round, within one node timeout.

        It may be called again, and tells the same each time. Interrupted, the release still goes on.
        That the lease had expired, or that too few nodes answered, is a result and not an error.

        Raises:
            NotHeldError: The lock was handed over.
            ForkedProcessError: This is a forked child.
        """
        return Released._of(self._run(self._native.release))

    def complete(self) -> None:
        """Gives the lock back, and makes sure that it counts, as a job that is done once wants to know.

        Raises:
            LeaseLostError: The lease was gone before.
            QuorumUnavailableError: Too few nodes confirmed in time; they are being told further.
            NotHeldError: The lock was handed over.
            ForkedProcessError: This is a forked child.
        """
        self._run(self._native.complete)

    def abandon(self) -> None:
        """Gives the lock back in the background, without saying that the work is done. Local.

        For work that failed: a ticket that the lock came by is not used up, so that a redelivery of
        the job may go on. A ``with`` block that ends by an exception does this with an adopted lock.
        Does nothing once the lock is released or handed over, and in a forked child.
        """
        self._native.abandon()

    def extend(self) -> None:
        """Renews the lock now, beside the background renewal.

        Raises:
            LeaseLostError: It is lost.
            QuorumUnavailableError: Too few nodes confirmed in time; the old validity stands.
            NotHeldError: It was released or handed over.
            ForkedProcessError: This is a forked child.
        """
        self._run(self._native.extend)

    def detach(self, ttl: Span | None = None) -> Ticket:
        """Hands the lock over: this guard ends, and whoever adopts the ticket goes on with it.

        The lease is renewed once on all nodes, so that the ticket is good from now; nothing renews
        it until it is adopted. Interrupted, the lock may be left to its ttl.

        Args:
            ttl: How long the ticket is good: how long the job may stay in its queue. The lease's
                own ttl by default, and where that is longer.

        Raises:
            InvalidArgumentError: The ttl is out of bounds.
            LeaseLostError: It is lost.
            NotHeldError: It was released or handed over before.
            QuorumUnavailableError: Too few nodes confirmed; this guard still holds the lock.
            ForkedProcessError: This is a forked child.
        """
        ticket = Ticket(self._run(lambda: self._native.detach(ttl)))
        self._is_detached = True
        return ticket

    def _run(self, begin: Callable[[], NativeCall]) -> Any:
        return self._client._run(begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_detached:
            return
        if error is not None and (self.is_adopted or self.is_once):
            self.abandon()
            return
        # A forked child that leaves the block releases nothing, and that is no error of the block.
        with contextlib.suppress(ForkedProcessError):
            self.release()
        if error is None and self.loss is not None:
            raise lost_in_block(self)


class LostEvent:
    """The loss of a lock, for threads."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def is_set(self) -> bool:
        """True where the lock was lost. Local."""
        return self._guard.loss is not None

    @property
    def reason(self) -> LossReason | None:
        """Why it was lost, or ``None``."""
        return self._guard.loss

    def wait(self, timeout: Span | None = None) -> bool:
        """Blocks until the lock is lost: true.

        False where it was released or handed over instead, or ``timeout`` passed first.
        """
        self._guard._client._ready()
        limit = math.inf if timeout is None else seconds_of("timeout", timeout)
        by = time.monotonic() + limit
        while not self._guard._native.wait_over(max(0.0, by - time.monotonic())):
            if time.monotonic() >= by:
                break
        return self._guard.loss is not None

    def __repr__(self) -> str:
        return f"<LostEvent of {self._guard.resource!r}, {self.reason or 'not lost'}>"


def lost_in_block(guard: Holding) -> LeaseLostError:
    """The error for a block that ran on though its lock was lost."""
    message = f"the lock was lost while the block ran: {guard.loss}"
    return LeaseLostError(
        f"using {guard.resource!r}: {message}",
        message=message,
        resource=guard.resource,
        operation="using",
    )
