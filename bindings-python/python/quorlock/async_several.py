"""Locks of more than one resource or holder, for event loops."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from quorlock._entered import AsyncEntered
from quorlock.async_guard import AsyncGuard
from quorlock.options import callback_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable
    from types import TracebackType

    from quorlock._quorlock import NativeLock
    from quorlock.async_client import AsyncClient
    from quorlock.options import Span

__all__ = ["AsyncMulti", "AsyncSemaphore"]


class AsyncMulti:
    """A lock on several resources that are taken and given back together, as `Multi`."""

    def __init__(self, client: AsyncClient, names: Iterable[str]) -> None:
        self._client = client
        self._native: NativeLock = client._native.multi(names)
        self._entered = AsyncEntered()

    @property
    def names(self) -> tuple[str, ...]:
        """The resources' names as they were given."""
        return tuple(self._native.names())

    async def acquire(
        self,
        *,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> AsyncGuard:
        """Takes all resources, waiting for them. Arguments and exceptions as of `AsyncMutex.acquire`.

        Raises:
            InvalidArgumentError: Also for no name, more than 64, or one twice: ``field`` is ``names``.
        """
        callback = callback_of("on_lost", on_lost)
        bridge = self._client._ready()
        native = await bridge.run(self._native.acquire(ttl, timeout, renew, hold_max, None))
        return AsyncGuard(self._client, native, bridge, callback)

    async def try_acquire(
        self,
        *,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> AsyncGuard | None:
        """Takes all if they can be had at once; ``None`` where somebody else has one of them."""
        callback = callback_of("on_lost", on_lost)
        bridge = self._client._ready()
        native = await bridge.run(self._native.try_acquire(ttl, renew, hold_max, None))
        return None if native is None else AsyncGuard(self._client, native, bridge, callback)

    @asynccontextmanager
    async def using(
        self,
        *,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> AsyncGenerator[AsyncGuard, None]:
        """The lock for the length of a ``with`` block, as `AsyncMutex.using`."""
        guard = await self.acquire(
            timeout=timeout, ttl=ttl, renew=renew, hold_max=hold_max, on_lost=on_lost
        )
        async with guard:
            yield guard

    async def __aenter__(self) -> AsyncGuard:
        return self._entered.push(await self.acquire())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._entered.pop().__aexit__(kind, error, traceback)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.names!r}>"


class AsyncSemaphore:
    """A lock that so many permits may be taken of at a time, as `Semaphore`."""

    def __init__(self, client: AsyncClient, name: str, permits: int) -> None:
        self._client = client
        self._name = name
        self._permits = permits
        self._native: NativeLock = client._native.semaphore(name, permits)
        self._entered = AsyncEntered()

    @property
    def name(self) -> str:
        """The semaphore's name."""
        return self._name

    @property
    def permits(self) -> int:
        """How many permits there are in all."""
        return self._permits

    async def acquire(
        self,
        *,
        permits: int | None = None,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> AsyncGuard:
        """Takes ``permits``, one unless given, all or none; waits for them.

        The other arguments and the exceptions are those of `AsyncMutex.acquire`.

        Raises:
            InvalidArgumentError: Also where permits or the limit are out of bounds: field ``permits``.
        """
        callback = callback_of("on_lost", on_lost)
        bridge = self._client._ready()
        native = await bridge.run(self._native.acquire(ttl, timeout, renew, hold_max, permits))
        return AsyncGuard(self._client, native, bridge, callback)

    async def try_acquire(
        self,
        *,
        permits: int | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> AsyncGuard | None:
        """Takes permits if they can be had at once; ``None`` where too few are free or others wait."""
        callback = callback_of("on_lost", on_lost)
        bridge = self._client._ready()
        native = await bridge.run(self._native.try_acquire(ttl, renew, hold_max, permits))
        return None if native is None else AsyncGuard(self._client, native, bridge, callback)

    @asynccontextmanager
    async def using(
        self,
        *,
        permits: int | None = None,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> AsyncGenerator[AsyncGuard, None]:
        """Permits for the length of a ``with`` block, as `AsyncMutex.using`."""
        guard = await self.acquire(
            permits=permits, timeout=timeout, ttl=ttl, renew=renew, hold_max=hold_max, on_lost=on_lost
        )
        async with guard:
            yield guard

    async def __aenter__(self) -> AsyncGuard:
        return self._entered.push(await self.acquire())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._entered.pop().__aexit__(kind, error, traceback)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r} of {self._permits}>"
