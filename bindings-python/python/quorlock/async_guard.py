"""The guard of an event loop: a held lock, and the only thing here that has state."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from quorlock._holding import Holding
from quorlock._quorlock import seconds_of
from quorlock.errors import ForkedProcessError
from quorlock.guard import lost_in_block
from quorlock.reports import Released
from quorlock.ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from quorlock._loop import LoopBridge
    from quorlock._quorlock import NativeGuard
    from quorlock.async_client import AsyncClient
    from quorlock.options import Span
    from quorlock.reports import LossReason

__all__ = ["AsyncGuard", "AsyncLostEvent"]


class AsyncGuard(Holding):
    """A held lock.

    The engine renews it in the background until it is released, handed over, lost, or held for
    ``hold_max``; that goes on while the loop is blocked, up to the client's ``host_silence_max``.
    A guard that is garbage-collected releases its lock in the background.

    *Threads*: what is no coroutine may be called from any thread. *Fork*: in a forked child the
    guard is inert: not held there, and it neither extends nor releases what the parent holds.

    As an async context manager it releases at the end, and raises `LeaseLostError` there if the
    lock was lost while the block ran without another exception.
    """

    def __init__(
        self,
        client: AsyncClient,
        native: NativeGuard,
        bridge: LoopBridge,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> None:
        self._client = client
        self._ended: asyncio.Event | None = None
        super().__init__(native, bridge.native, on_lost)

    @property
    def lost(self) -> AsyncLostEvent:
        """The loss of this lock, to be asked for or waited for."""
        return AsyncLostEvent(self)

    def reenter(self) -> AsyncGuard:
        """One more guard of the same lock, for the same owner. Local.

        A part of the work that locks for itself gets it from whoever has the lock already. Each
        guard is released by itself; the lock is given back with the last one, whose release says
        whether the work is done. An inner release is ``still_held``. A loss reaches all.

        Raises:
            LeaseLostError: It was lost.
            NotHeldError: This guard was released, or the lock was handed over.
            ForkedProcessError: This is a forked child.
        """
        return AsyncGuard(self._client, self._native.reenter(), self._client._ready())

    async def release(self) -> Released:
        """Gives the lock back: on every node, in one round, within one node timeout.

        It may be called again, and tells the same each time. Cancelled, the release still goes on.
        That the lease had expired, or that too few nodes answered, is a result and not an error.

        Raises:
            NotHeldError: The lock was handed over.
            ForkedProcessError: This is a forked child.
        """
        parts = await self._client._ready().run(self._native.release())
        self._over()
        return Released._of(parts)

    async def complete(self) -> None:
        """Gives the lock back, and makes sure that it counts, as a job that is done once wants to know.

        Raises:
            LeaseLostError: The lease was gone before.
            QuorumUnavailableError: Too few nodes confirmed in time; they are being told further.
            NotHeldError: The lock was handed over.
            ForkedProcessError: This is a forked child.
        """
        await self._client._ready().run(self._native.complete())
        self._over()

    def abandon(self) -> None:
        """Gives the lock back in the background, without saying that the work is done. Local.

        For work that failed: a ticket that the lock came by is not used up, so that a redelivery of
        the job may go on. A ``with`` block that ends by an exception does this with an adopted lock.
        Does nothing once the lock is released or handed over, and in a forked child.
        """
        self._native.abandon()
        self._over()

    async def extend(self) -> None:
        """Renews the lock now, beside the background renewal.

        Raises:
            LeaseLostError: It is lost.
            QuorumUnavailableError: Too few nodes confirmed in time; the old validity stands.
            NotHeldError: It was released or handed over.
            ForkedProcessError: This is a forked child.
        """
        await self._client._ready().run(self._native.extend())

    async def detach(self, ttl: Span | None = None) -> Ticket:
        """Hands the lock over: this guard ends, and whoever adopts the ticket goes on with it.

        The lease is renewed once on all nodes, so that the ticket is good from now; nothing renews
        it until it is adopted. Cancelled, the lock may be left to its ttl.

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
        ticket = Ticket(await self._client._ready().run(self._native.detach(ttl)))
        self._is_detached = True
        self._over()
        return ticket

    def _over(self) -> None:
        if self._ended is not None:
            self._ended.set()

    def _ending(self) -> asyncio.Event:
        """Set when the lock ends."""
        if self._ended is None:
            self._ended = asyncio.Event()
            if self._is_open():
                self._watch()
            else:
                self._ended.set()
        return self._ended

    def _is_open(self) -> bool:
        with contextlib.suppress(Exception):
            self.check()
            return True
        return False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
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
            await self.release()
        if error is None and self.loss is not None:
            raise lost_in_block(self)


class AsyncLostEvent:
    """The loss of a lock, for event loops."""

    def __init__(self, guard: AsyncGuard) -> None:
        self._guard = guard

    def is_set(self) -> bool:
        """True where the lock was lost. Local."""
        return self._guard.loss is not None

    @property
    def reason(self) -> LossReason | None:
        """Why it was lost, or ``None``."""
        return self._guard.loss

    async def wait(self, timeout: Span | None = None) -> bool:
        """Waits until the lock is lost: true.

        False where it was released or handed over instead, or ``timeout`` passed first.
        """
        ending = self._guard._ending()
        limit = None if timeout is None else seconds_of("timeout", timeout)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(ending.wait(), limit)
        return self._guard.loss is not None

    def __repr__(self) -> str:
        return f"<AsyncLostEvent of {self._guard.resource!r}, {self.reason or 'not lost'}>"
