"""A leader for as long as it lives, for event loops."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, cast

from quorlock.async_guard import AsyncGuard
from quorlock.election import Candidacy
from quorlock.errors import ForkedProcessError
from quorlock.options import callback_of
from quorlock.reports import Released

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from quorlock._quorlock import NativeElection
    from quorlock.async_client import AsyncClient
    from quorlock.options import Span

__all__ = ["AsyncElection"]


class AsyncElection(Candidacy):
    """A candidate for the leadership of one name, as `Election`.

    Callbacks run on the loop. A loop that answers nothing for ``host_silence_max`` loses the lead,
    and does not win it again before it answers.
    """

    def __init__(self, client: AsyncClient, native: NativeElection) -> None:
        self._client = client
        super().__init__(native)

    async def won(
        self,
        timeout: Span | None = None,
        *,
        on_lost: Callable[[AsyncGuard], object] | None = None,
    ) -> AsyncGuard:
        """Waits until this candidate leads, and gives a guard of the tenure.

        The guard hears of the tenure's end and has its fencing token; releasing it does not end the
        tenure, and it cannot be handed over.

        Args:
            timeout: How long to wait at most; for as long as it takes unless given.
            on_lost: Called once with the guard when the tenure ends, on the loop.

        Raises:
            LockTimeoutError: Not elected in that time.
            NotHeldError: It was resigned.
            InvalidArgumentError: The timeout is wrong.
            ClientClosedError: The client was closed.
            ForkedProcessError: This is a forked child.
        """
        callback = callback_of("on_lost", on_lost)
        bridge = self._client._ready()
        native = await bridge.run(self._native.won(timeout))
        return AsyncGuard(self._client, native, bridge, callback)

    async def leader(self) -> str | None:
        """Who leads, as ``host/pid/language/text``; ``None`` where nobody does.

        Raises:
            QuorumUnavailableError: Too few nodes answered.
            ClientClosedError: The client was closed.
        """
        return cast("str | None", await self._client._ready().run(self._native.leader()))

    async def resign(self) -> Released:
        """Stops being a candidate, and hands over at once where this one leads.

        Where there was nothing to give back the result is ``already_expired``.

        Raises:
            ForkedProcessError: This is a forked child.
        """
        return Released._of(await self._client._ready().run(self._native.resign()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ForkedProcessError):
            await self.resign()
