"""The client for event loops: asyncio and uvloop."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from quorlock._entered import AsyncEntered
from quorlock._hearing import Reporter
from quorlock._loop import LoopBridge, running_bridge
from quorlock._process import _Closable
from quorlock.async_election import AsyncElection
from quorlock.async_guard import AsyncGuard
from quorlock.async_once import AsyncOnce
from quorlock.async_several import AsyncMulti, AsyncSemaphore
from quorlock.locked import locked_coroutine
from quorlock.options import callback_of, ticket_of
from quorlock.reports import Health, Inspection, Stats

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from quorlock.options import ClientOptions, Span
    from quorlock.reports import Event
    from quorlock.ticket import Ticket


__all__ = ["AsyncClient", "AsyncMutex"]

P = ParamSpec("P")
R = TypeVar("R")


class AsyncClient(_Closable):
    """A client of N independent servers, for event loops.

    >>> import asyncio
    >>> from quorlock import AsyncClient
    >>> async def main() -> bool:
    ...     async with AsyncClient(["memory://async-doc"]) as client:
    ...         async with client.mutex("invoice:42").using(ttl=5, timeout=1) as guard:
    ...             return guard.is_held
    >>> asyncio.run(main())
    True

    The methods are those of `Client`, to be awaited. *Cancellation*: a call cancelled at any point
    leaves nothing behind. *Loops*: a client may be made anywhere and used on any loop; callbacks run
    on the loop that called last. A loop that answers nothing for ``host_silence_max`` loses the locks
    of its clients, so that a dead-locked process does not keep them. *Fork*: a client made before
    ``fork`` works in the child, on a loop made there.
    """

    def __init__(
        self,
        nodes: Iterable[str],
        *,
        on_event: Callable[[Event], object] | None = None,
        host_silence_max: Span | None = 60.0,
        **options: Unpack[ClientOptions],
    ) -> None:
        """Checks the options and begins to connect in the background; nothing here waits.

        Args:
            nodes: URLs: ``redis://``, ``rediss://``, ``unix://`` or ``memory://name``.
            on_event: Called with every `Event`, on the loop.
            host_silence_max: How long the loop may be blocked before its locks are lost: 100 ms at
                least. ``None``: without end, up to each lock's ``hold_max``.
            **options: See `ClientOptions`.

        Raises:
            InvalidArgumentError: An option is wrong; ``field`` names it.
            ConfigError: A node is wrong; ``field`` names it as ``nodes[i]``.
        """
        self._reporter = Reporter(callback_of("on_event", on_event))
        self._native = self._reporter.client(nodes, options, host_silence_max)
        self._bridge: LoopBridge | None = None
        super().__init__()

    def mutex(self, name: str) -> AsyncMutex:
        """The mutex of this name. No I/O; a name out of bounds is reported by the first call."""
        return AsyncMutex(self, name)

    def multi(self, names: Iterable[str]) -> AsyncMulti:
        """The lock of several resources at once: all of them or none. No I/O.

        Raises:
            InvalidArgumentError: ``names`` are no names; their number is checked by the first call.
        """
        return AsyncMulti(self, names)

    def semaphore(self, name: str, permits: int) -> AsyncSemaphore:
        """The semaphore of this name, which so many permits may be taken of at a time. No I/O.

        Raises:
            InvalidArgumentError: An argument has the wrong type; bounds are checked by the first call.
        """
        return AsyncSemaphore(self, name, permits)

    def once(self, name: str, retention: Span) -> AsyncOnce:
        """A job of this name that is to be done once within ``retention``, 1 s to 366 days. No I/O.

        Raises:
            InvalidArgumentError: An argument has the wrong type; bounds are checked by the first call.
        """
        return AsyncOnce(self, name, retention)

    def elect(
        self, name: str, *, ttl: Span | None = None, hold_max: Span | None = None
    ) -> AsyncElection:
        """Campaigns for the leadership of ``name`` from now on, in the background.

        Args:
            name: What is led.
            ttl: How long a leader's lease lives without renewal, which is always done.
            hold_max: How long a tenure may last, where leaders are to take turns.

        Raises:
            InvalidArgumentError: An argument is wrong; ``field`` names it.
            ClientClosedError: The client was closed.
        """
        self._ready()
        return AsyncElection(self, self._native.elect(name, ttl, hold_max))

    async def adopt(
        self,
        ticket: Ticket,
        *,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> AsyncGuard:
        """Takes over the lock that ``ticket`` stands for, as `Client.adopt`.

        Cancelled, a ticket it had taken over is used up.
        """
        right = ticket_of(ticket)
        callback = callback_of("on_lost", on_lost)
        bridge = self._ready()
        native = await bridge.run(self._native.adopt(right, ttl, timeout, renew, hold_max))
        return AsyncGuard(self, native, bridge, callback)

    async def inspect(self, name: str) -> Inspection:
        """Shows, node by node, who holds ``name``, as `Client.inspect`."""
        return Inspection._of(await self._ready().run(self._native.inspect(name)))

    async def health(self) -> Health:
        """Checks the nodes before they are relied on, as `Client.health`."""
        return Health._of(await self._ready().run(self._native.health()))

    def stats(self) -> Stats:
        """What this client did so far, in this process, as `Client.stats`. Local, no I/O."""
        return Stats._of(self._native.stats())

    async def close(self, timeout: Span = 5.0) -> bool:
        """Closes, and releases every lock of this client, as `Client.close`."""
        drained: bool = await self._ready().run(self._native.close(timeout))
        return drained

    def locked(
        self,
        key: str | Callable[..., str],
        *,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Callable[P, Coroutine[Any, Any, R]]]:
        """Decorates a coroutine function or method so that it runs under a lock.

        As `Client.locked`; inside, `AsyncGuard.current` gives the guard.
        """

        def decorated(
            function: Callable[P, Coroutine[Any, Any, R]],
        ) -> Callable[P, Coroutine[Any, Any, R]]:
            def held(name: str) -> Any:
                return self.mutex(name).using(
                    timeout=timeout, ttl=ttl, renew=renew, hold_max=hold_max, on_lost=on_lost
                )

            return locked_coroutine(function, key, held)

        return decorated

    def _ready(self) -> LoopBridge:
        """The running loop's bridge; what every call that waits asks for first."""
        bridge = running_bridge()
        if bridge is not self._bridge:
            self._bridge = bridge
            self._native.attach(bridge.native)
        self._reporter.follow(self._native)
        return bridge

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._native.size} nodes>"


class AsyncMutex:
    """A lock that one holder has at a time, over all processes that use the same nodes and key.

    Making one does no I/O: make it where you need it, or keep it and share it between tasks.
    ``async with mutex as guard:`` takes it with the client's own options; `using` sets others.
    """

    def __init__(self, client: AsyncClient, name: str) -> None:
        self._client = client
        self._name = name
        self._entered = AsyncEntered()

    @property
    def name(self) -> str:
        """The resource's name."""
        return self._name

    async def acquire(
        self,
        *,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> AsyncGuard:
        """Takes the lock, waiting for it, as `Mutex.acquire`; ``on_lost`` is called on the loop."""
        callback = callback_of("on_lost", on_lost)
        client = self._client
        bridge = client._ready()
        call = client._native.acquire(self._name, ttl, timeout, renew, hold_max)
        return AsyncGuard(client, await bridge.run(call), bridge, callback)

    async def try_acquire(
        self,
        *,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> AsyncGuard | None:
        """Takes the lock if it can be had at once, as `Mutex.try_acquire`."""
        callback = callback_of("on_lost", on_lost)
        client = self._client
        bridge = client._ready()
        native = await bridge.run(client._native.try_acquire(self._name, ttl, renew, hold_max))
        return None if native is None else AsyncGuard(client, native, bridge, callback)

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
        """The lock for the length of an ``async with`` block, as `Mutex.using`."""
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
        return f"<AsyncMutex {self._name!r}>"
