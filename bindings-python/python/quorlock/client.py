"""The client for threads: every call blocks the calling thread, and lets others run."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from quorlock._entered import Entered
from quorlock._hearing import Reporter
from quorlock._process import _Closable, inbox
from quorlock.election import Election
from quorlock.errors import InvalidArgumentError
from quorlock.guard import Guard
from quorlock.locked import locked_function
from quorlock.once import Once
from quorlock.options import callback_of, ticket_of
from quorlock.reports import Health, Inspection, Stats
from quorlock.several import Multi, Semaphore

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from quorlock._quorlock import NativeCall
    from quorlock.options import ClientOptions, Span
    from quorlock.reports import Event
    from quorlock.ticket import Ticket


__all__ = ["Client", "Mutex"]

P = ParamSpec("P")
R = TypeVar("R")


class Client(_Closable):
    """A client of N independent servers, for threads.

    >>> from quorlock import Client
    >>> client = Client(["memory://client-doc"])  # five redis:// URLs in production
    >>> with client.mutex("invoice:42").using(ttl=5, timeout=1) as guard:
    ...     guard.is_held
    True
    >>> client.close()
    True

    *Threads*: share one client. *Fork*: a client made before ``fork`` works in the child, with an
    engine and connections of its own. *Signals*: a call that waits looks every 50 ms for signals and
    for exceptions raised in its thread; ``KeyboardInterrupt`` or a time limit cancels the call.
    """

    def __init__(
        self,
        nodes: Iterable[str],
        *,
        on_event: Callable[[Event], object] | None = None,
        allow_on_loop: bool = False,
        **options: Unpack[ClientOptions],
    ) -> None:
        """Checks the options and begins to connect in the background; nothing here waits.

        Args:
            nodes: URLs: ``redis://``, ``rediss://``, ``unix://`` or ``memory://name``.
            on_event: Called with every `Event`, on the callback thread.
            allow_on_loop: True lets calls block a running asyncio loop; else they are refused.
            **options: See `ClientOptions`.

        Raises:
            InvalidArgumentError: An option is wrong; ``field`` names it.
            ConfigError: A node is wrong; ``field`` names it as ``nodes[i]``.
        """
        self._reporter = Reporter(callback_of("on_event", on_event))
        self._native = self._reporter.client(nodes, options, None)
        self._allow_on_loop = allow_on_loop
        self._inbox = inbox()
        self._native.attach(self._inbox.bridge)
        super().__init__()

    def mutex(self, name: str) -> Mutex:
        """The mutex of this name. No I/O; a name out of bounds is reported by the first call."""
        return Mutex(self, name)

    def multi(self, names: Iterable[str]) -> Multi:
        """The lock of several resources at once: all of them or none. No I/O.

        Raises:
            InvalidArgumentError: ``names`` are no names; their number is checked by the first call.
        """
        return Multi(self, names)

    def semaphore(self, name: str, permits: int) -> Semaphore:
        """The semaphore of this name, which so many permits may be taken of at a time. No I/O.

        Raises:
            InvalidArgumentError: An argument has the wrong type; bounds are checked by the first call.
        """
        return Semaphore(self, name, permits)

    def once(self, name: str, retention: Span) -> Once:
        """A job of this name that is to be done once within ``retention``, 1 s to 366 days. No I/O.

        Raises:
            InvalidArgumentError: An argument has the wrong type; bounds are checked by the first call.
        """
        return Once(self, name, retention)

    def elect(self, name: str, *, ttl: Span | None = None, hold_max: Span | None = None) -> Election:
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
        return Election(self, self._native.elect(name, ttl, hold_max))

    def adopt(
        self,
        ticket: Ticket,
        *,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> Guard:
        """Takes over the lock that ``ticket`` stands for.

        Exactly one of all who try wins; renewal and a new, larger fencing token begin with it. The
        ttl is the ticket's unless given.

        Raises:
            NotHeldError: The ticket is used up, in use, or has run out; the message tells which.
            QuorumUnavailableError: Too few nodes answered.
            LockContendedError: Several adopt it at once, and none won in time.
            InvalidArgumentError: An argument is wrong; ``field`` names it.
            ClientClosedError: The client was closed.
        """
        right = ticket_of(ticket)
        callback = callback_of("on_lost", on_lost)
        native = self._run(lambda: self._native.adopt(right, ttl, timeout, renew, hold_max))
        return self._guarded(native, callback)

    def inspect(self, name: str) -> Inspection:
        """Shows, node by node, who holds ``name``: read-only.

        A node that does not answer is part of the result.

        Raises:
            InvalidArgumentError: The name is out of bounds.
            ClientClosedError: The client was closed.
        """
        return Inspection._of(self._run(lambda: self._native.inspect(name)))

    def health(self) -> Health:
        """Checks the nodes before they are relied on.

        Looks at reach, role, version, persistence, eviction, and for one server listed twice.
        Whatever is wrong with the nodes is part of the report.

        Raises:
            ClientClosedError: The client was closed.
        """
        return Health._of(self._run(self._native.health))

    def stats(self) -> Stats:
        """What this client did so far, in this process: counts and times. Local, no I/O.

        Raises:
            ClientClosedError: The client was closed.
        """
        return Stats._of(self._native.stats())

    def close(self, timeout: Span = 5.0) -> bool:
        """Closes: later calls fail, and every lock of this client is released.

        What is under way may finish within ``timeout``; true where all of it did.
        """
        drained: bool = self._run(lambda: self._native.close(timeout))
        return drained

    def locked(
        self,
        key: str | Callable[..., str],
        *,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorates a function or method so that it runs under a lock.

        >>> client = Client(["memory://locked-doc"])
        >>> @client.locked("invoice:{invoice_id}", timeout=5)
        ... def charge(invoice_id: int, amount: float = 1.0) -> bool:
        ...     return Guard.current().is_held
        >>> charge(42)
        True

        Inside, `Guard.current` gives the guard. Where the lock was lost while the function ran, the
        call raises `LeaseLostError` instead of returning.

        Args:
            key: The name to lock: a ``str.format`` template over the function's arguments, defaults
                and ``self`` included, or a callable that is given the same arguments.
            timeout: How long to wait, as for `Mutex.acquire`; likewise the rest.
            ttl: How long the lease lives without renewal.
            renew: Whether it is renewed.
            hold_max: How long it may be held in all.
            on_lost: Called with the guard if the lock is lost.

        Raises:
            InvalidArgumentError: The key names no argument, or the function is a coroutine function
                (use `AsyncClient`) or a generator (its body runs after the call).
        """

        def decorated(function: Callable[P, R]) -> Callable[P, R]:
            def held(name: str) -> Any:
                return self.mutex(name).using(
                    timeout=timeout, ttl=ttl, renew=renew, hold_max=hold_max, on_lost=on_lost
                )

            return locked_function(function, key, held)

        return decorated

    def _ready(self) -> None:
        """What every call that waits does first."""
        if not self._allow_on_loop and asyncio._get_running_loop() is not None:
            raise InvalidArgumentError(
                "a blocking call would stop the asyncio loop that runs on this thread; "
                "use AsyncClient there, or run the call in a thread"
            )
        here = inbox()
        if self._inbox is not here:
            # A forked child.
            self._inbox = here
            self._native.attach(here.bridge)
        if self._reporter.on_event is not None:
            here.start()
        self._reporter.follow(self._native)

    def _run(self, begin: Callable[[], NativeCall]) -> Any:
        self._ready()
        call = begin()
        try:
            while (value := call.wait()) is ...:
                pass
        except BaseException:
            call.cancel()
            raise
        finally:
            self._inbox.tell()
        return value

    def _guarded(self, native: Any, on_lost: Callable[[Guard], object] | None) -> Guard:
        if on_lost is not None:
            self._inbox.start()
        return Guard(self, native, on_lost)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._native.size} nodes>"


class Mutex:
    """A lock that one holder has at a time, over all processes that use the same nodes and key.

    Making one does no I/O: make it where you need it, or keep it and share it between threads.
    ``with mutex as guard:`` takes it with the client's own options; `using` sets others.
    """

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name
        self._entered = Entered()

    @property
    def name(self) -> str:
        """The resource's name."""
        return self._name

    def acquire(
        self,
        *,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> Guard:
        """Takes the lock, waiting for it: first in, first out over all processes.

        Interrupted at any point, it leaves nothing behind. ``None`` is the client's own option.

        Args:
            timeout: How long to wait at most; zero means one try.
            ttl: How long the lease lives without renewal: 10 ms to 24 h.
            renew: Whether the lease is renewed in the background until it is released.
            hold_max: How long it may be held in all; renewal stops there and the lease is lost.
            on_lost: Called once with the guard if the lock is lost, on the callback thread.

        Raises:
            LockTimeoutError: Somebody else has it for all the wait.
            LockContendedError: Somebody else has it, and the wait is zero.
            QuorumUnavailableError: Too few nodes answered.
            InvalidArgumentError: An argument is wrong; ``field`` names it. Nothing was sent.
            ConfigError: The servers contradict the client's configuration.
            ClientClosedError: The client was closed.
        """
        callback = callback_of("on_lost", on_lost)
        client, name = self._client, self._name
        native = client._run(lambda: client._native.acquire(name, ttl, timeout, renew, hold_max))
        return client._guarded(native, callback)

    def try_acquire(
        self,
        *,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> Guard | None:
        """Takes the lock if it can be had at once; ``None`` where somebody else has it.

        Raises:
            QuorumUnavailableError: Too few nodes answered.
            InvalidArgumentError: An argument is wrong; ``field`` names it. Nothing was sent.
            ConfigError: The servers contradict the client's configuration.
            ClientClosedError: The client was closed.
        """
        callback = callback_of("on_lost", on_lost)
        client, name = self._client, self._name
        native = client._run(lambda: client._native.try_acquire(name, ttl, renew, hold_max))
        return None if native is None else client._guarded(native, callback)

    @contextmanager
    def using(
        self,
        *,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> Generator[Guard, None, None]:
        """The lock for the length of a ``with`` block, taken as by `acquire`.

        Raises:
            LeaseLostError: At the end of the block, where the lock was lost while it ran.
        """
        guard = self.acquire(timeout=timeout, ttl=ttl, renew=renew, hold_max=hold_max, on_lost=on_lost)
        with guard:
            yield guard

    def __enter__(self) -> Guard:
        return self._entered.push(self.acquire())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._entered.pop().__exit__(kind, error, traceback)

    def __repr__(self) -> str:
        return f"<Mutex {self._name!r}>"
