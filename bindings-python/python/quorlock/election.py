"""A leader for as long as it lives, for threads."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, cast

from quorlock.errors import ForkedProcessError
from quorlock.options import callback_of
from quorlock.reports import Released

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from quorlock._quorlock import NativeElection
    from quorlock.client import Client
    from quorlock.errors import QuorlockError
    from quorlock.guard import Guard
    from quorlock.options import Span

__all__ = ["Election"]


class Candidacy:
    """What elections of threads and of event loops have in common: all that is local."""

    def __init__(self, native: NativeElection) -> None:
        self._native = native

    @property
    def name(self) -> str:
        """The name that is led."""
        return self._native.name

    @property
    def is_leader(self) -> bool:
        """True where this candidate leads at this moment. Local; true also after a pause."""
        return self._native.is_leader()

    @property
    def fencing_token(self) -> int | None:
        """The present tenure's fencing token, larger than every earlier one's. Local.

        ``None`` where this candidate does not lead, or tokens are not to be had.
        """
        return self._native.fencing_token()

    @property
    def trouble(self) -> QuorlockError | None:
        """Why it could not be elected lately, if so: servers out of reach, say. It goes on. Local."""
        return cast("QuorlockError | None", self._native.trouble())

    def __repr__(self) -> str:
        state = "leads" if self.is_leader else "does not lead"
        return f"<{type(self).__name__} of {self.name!r}, {state}>"


class Election(Candidacy):
    """A candidate for the leadership of one name, from `Client.elect`.

    >>> from quorlock import Client
    >>> client = Client(["memory://elect-doc"])
    >>> with client.elect("scheduler") as election:
    ...     tenure = election.won(timeout=5)
    ...     election.is_leader, tenure.is_held
    (True, True)
    >>> tenure.is_held
    False
    >>> client.close()
    True

    It campaigns in the background, holds the mutex of that name for as long as this object lives,
    and campaigns again where it was lost. `resign`, the end of a ``with`` block, being
    garbage-collected and closing the client hand over at once. No limit of ordinary locks ends a
    tenure; ``hold_max`` does, where leaders are to take turns. *Fork*: inert in a forked child.
    """

    def __init__(self, client: Client, native: NativeElection) -> None:
        self._client = client
        super().__init__(native)

    def won(
        self,
        timeout: Span | None = None,
        *,
        on_lost: Callable[[Guard], object] | None = None,
    ) -> Guard:
        """Waits until this candidate leads, and gives a guard of the tenure.

        The guard hears of the tenure's end and has its fencing token; releasing it does not end the
        tenure, and it cannot be handed over.

        Args:
            timeout: How long to wait at most; for as long as it takes unless given.
            on_lost: Called once with the guard when the tenure ends, on the callback thread.

        Raises:
            LockTimeoutError: Not elected in that time.
            NotHeldError: It was resigned.
            InvalidArgumentError: The timeout is wrong.
            ClientClosedError: The client was closed.
            ForkedProcessError: This is a forked child.
        """
        callback = callback_of("on_lost", on_lost)
        native = self._client._run(lambda: self._native.won(timeout))
        return self._client._guarded(native, callback)

    def leader(self) -> str | None:
        """Who leads, as ``host/pid/language/text``; ``None`` where nobody does.

        Raises:
            QuorumUnavailableError: Too few nodes answered.
            ClientClosedError: The client was closed.
        """
        return cast("str | None", self._client._run(self._native.leader))

    def resign(self) -> Released:
        """Stops being a candidate, and hands over at once where this one leads.

        Where there was nothing to give back the result is ``already_expired``.

        Raises:
            ForkedProcessError: This is a forked child.
        """
        return Released._of(self._client._run(self._native.resign))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ForkedProcessError):
            self.resign()
