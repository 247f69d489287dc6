"""Locks of more than one resource or holder, for threads."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from quorlock._entered import Entered
from quorlock.options import callback_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from types import TracebackType

    from quorlock._quorlock import NativeLock
    from quorlock.client import Client
    from quorlock.guard import Guard
    from quorlock.options import Span

__all__ = ["Multi", "Semaphore"]


class Multi:
    """A lock on several resources that are taken and given back together.

    >>> from quorlock import Client
    >>> client = Client(["memory://multi-doc"])
    >>> with client.multi(["account:1", "account:2"]).using(timeout=1) as guard:
    ...     guard.resources
    ('account:1', 'account:2')
    >>> client.close()
    True

    Each is the very lock that the mutex of its name is, and excludes it. All are asked for in one
    round and have one guard, one renewal and one fencing token. A caller that waits holds nothing
    meanwhile, so the order of the names does not matter. Making one does no I/O.
    """

    def __init__(self, client: Client, names: Iterable[str]) -> None:
        self._client = client
        self._native: NativeLock = client._native.multi(names)
        self._entered = Entered()

    @property
    def names(self) -> tuple[str, ...]:
        """The resources' names as they were given."""
        return tuple(self._native.names())

    def acquire(
        self,
        *,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> Guard:
        """Takes all resources, waiting for them. Arguments and exceptions as of `Mutex.acquire`.

        Raises:
            InvalidArgumentError: Also for no name, more than 64, or one twice: ``field`` is ``names``.
        """
        callback = callback_of("on_lost", on_lost)
        native = self._client._run(lambda: self._native.acquire(ttl, timeout, renew, hold_max, None))
        return self._client._guarded(native, callback)

    def try_acquire(
        self,
        *,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> Guard | None:
        """Takes all if they can be had at once; ``None`` where somebody else has one of them."""
        callback = callback_of("on_lost", on_lost)
        native = self._client._run(lambda: self._native.try_acquire(ttl, renew, hold_max, None))
        return None if native is None else self._client._guarded(native, callback)

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
        """The lock for the length of a ``with`` block, as `Mutex.using`."""
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
        return f"<{type(self).__name__} {self.names!r}>"


class Semaphore:
    """A lock that so many permits may be taken of at a time, over all processes.

    >>> from quorlock import Client
    >>> client = Client(["memory://semaphore-doc"])
    >>> printers = client.semaphore("printers", 3)
    >>> two = printers.acquire(permits=2)
    >>> len(two.slots)
    2
    >>> with printers.using(timeout=1):
    ...     printers.try_acquire() is None
    True
    >>> client.close()
    True

    It consists of numbered slots, each a lock of its own on a majority of the nodes, so that there
    are never more holders than slots; a permit is a slot. First in, first out; one that wants more
    than is free may be passed by smaller ones sixteen times. Clients with different limits together
    have at most the largest, and each at most its own. Making one does no I/O.
    """

    def __init__(self, client: Client, name: str, permits: int) -> None:
        self._client = client
        self._name = name
        self._permits = permits
        self._native: NativeLock = client._native.semaphore(name, permits)
        self._entered = Entered()

    @property
    def name(self) -> str:
        """The semaphore's name."""
        return self._name

    @property
    def permits(self) -> int:
        """How many permits there are in all."""
        return self._permits

    def acquire(
        self,
        *,
        permits: int | None = None,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> Guard:
        """Takes ``permits``, one unless given, all or none; waits for them.

        The other arguments and the exceptions are those of `Mutex.acquire`.

        Raises:
            InvalidArgumentError: Also where permits or the limit are out of bounds: field ``permits``.
        """
        callback = callback_of("on_lost", on_lost)
        native = self._client._run(lambda: self._native.acquire(ttl, timeout, renew, hold_max, permits))
        return self._client._guarded(native, callback)

    def try_acquire(
        self,
        *,
        permits: int | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> Guard | None:
        """Takes permits if they can be had at once; ``None`` where too few are free or others wait."""
        callback = callback_of("on_lost", on_lost)
        native = self._client._run(lambda: self._native.try_acquire(ttl, renew, hold_max, permits))
        return None if native is None else self._client._guarded(native, callback)

    @contextmanager
    def using(
        self,
        *,
        permits: int | None = None,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> Generator[Guard, None, None]:
        """Permits for the length of a ``with`` block, as `Mutex.using`."""
        guard = self.acquire(
            permits=permits, timeout=timeout, ttl=ttl, renew=renew, hold_max=hold_max, on_lost=on_lost
        )
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
        return f"<{type(self).__name__} {self._name!r} of {self._permits}>"
