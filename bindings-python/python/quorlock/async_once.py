"""A job that is done once, for event loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorlock.async_guard import AsyncGuard
from quorlock.options import callback_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from quorlock.async_client import AsyncClient
    from quorlock.options import Span

__all__ = ["AsyncOnce"]


class AsyncOnce:
    """A job that is to be done once, whoever comes to do it, as `Once`."""

    def __init__(self, client: AsyncClient, name: str, retention: Span) -> None:
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

    async def begin(
        self,
        *,
        timeout: Span | None = None,
        ttl: Span | None = None,
        renew: bool | None = None,
        hold_max: Span | None = None,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> AsyncGuard | None:
        """A guard where the job is to be done here, ``None`` where it is done already.

        Somebody else who is at it is waited for. Arguments as of `AsyncMutex.acquire`.

        Raises:
            LockTimeoutError: Somebody else is at it for all the wait.
            LockContendedError: Somebody else is at it, and the wait is zero.
            QuorumUnavailableError: Too few nodes answered.
            InvalidArgumentError: An argument is wrong; ``field`` names it. Nothing was sent.
            ClientClosedError: The client was closed.
        """
        callback = callback_of("on_lost", on_lost)
        bridge = self._client._ready()
        native = await bridge.run(self._native.begin(ttl, timeout, renew, hold_max))
        return None if native is None else AsyncGuard(self._client, native, bridge, callback)

    async def is_done(self) -> bool:
        """True where the job is done. It may be begun by somebody right after the answer.

        Raises:
            QuorumUnavailableError: Too few nodes answered.
            InvalidArgumentError: The name or the retention is out of bounds.
            ClientClosedError: The client was closed.
        """
        done: bool = await self._client._ready().run(self._native.is_done())
        return done

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r}>"
