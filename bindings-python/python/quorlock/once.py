"""A job that is done once, for threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorlock.options import callback_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from quorlock.client import Client
    from quorlock.guard import Guard
    from quorlock.options import Span

__all__ = ["Once"]


class Once:
    """A job that is to be done once, whoever comes to do it.

    >>> from quorlock import Client
    >>> client = Client(["memory://once-doc"])
    >>> report = client.once("report:2026-11-24", retention=24 * 60 * 60)
    >>> for _ in range(2):
    ...     guard = report.begin()
    ...     if guard is None:
    ...         print("already done")
    ...     else:
    ...         with guard:
    ...             print("doing it")
    doing it
    already done
    >>> client.close()
    True

    It is done under the mutex of its name. Releasing the guard says that it is done; a ``with``
    block that ends by an exception, `Guard.abandon`, losing the guard and dying do not, and the
    next one who comes begins it anew. The nodes remember for the retention, counted from the
    release; a majority decides. Making one does no I/O.
    """

    def __init__(self, client: Client, name: str, retention: Span) -> None:
        self._client = client
        self._name = name
        self._retention = retention
        self._native = client._native.once(name, retention)

    @property
    def name(self) -> str:
        """The job's name."""
        return self._name

    @property
    def retention(self) -> Span:
        """How long the nodes remember that it is done."""
        return self._retention

    def begin(
        self,
        *,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> Guard | None:
        """A guard where the job is to be done here, ``None`` where it is done already.

        Somebody else who is at it is waited for. Arguments as of `Mutex.acquire`.

        Raises:
            LockTimeoutError: Somebody else is at it for all the wait.
            LockContendedError: Somebody else is at it, and the wait is zero.
            QuorumUnavailableError: Too few nodes answered.
            InvalidArgumentError: An argument is wrong; ``field`` names it. Nothing was sent.
            ClientClosedError: The client was closed.
        """
        callback = callback_of("on_lost", on_lost)
        native = self._client._run(lambda: self._native.begin(ttl, timeout, renew, hold_max))
        return None if native is None else self._client._guarded(native, callback)

    def is_done(self) -> bool:
        """True where the job is done. It may be begun by somebody right after the answer.

        Raises:
            QuorumUnavailableError: Too few nodes answered.
            InvalidArgumentError: The name or the retention is out of bounds.
            ClientClosedError: The client was closed.
        """
        done: bool = self._client._run(self._native.is_done)
        return done

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r}>"
