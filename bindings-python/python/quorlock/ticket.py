"""The right to a held lock, as text that travels inside a job."""

from __future__ import annotations

from typing import Any, final

from quorlock._quorlock import NativeTicket

__all__ = ["Ticket"]


@final
class Ticket:
    """The right to take over one held lock: made by ``guard.detach()``, used up by ``adopt``.

    ``encode`` gives printable text for a job's data. Whoever has that text, or a pickled ticket,
    can take the lock: treat both like a password. ``str`` and ``repr`` show resource and id only.

    >>> from quorlock import Client, Ticket
    >>> with Client(["memory://ticket-doc"]) as client:
    ...     text = client.mutex("invoice:42").acquire().detach().encode()
    ...     with client.adopt(Ticket.decode(text)) as guard:
    ...         guard.is_adopted
    True
    """

    __slots__ = ("_native",)

    def __init__(self, _native: NativeTicket) -> None:
        self._native = _native

    @staticmethod
    def decode(text: str) -> Ticket:
        """Reads a ticket's text. No I/O.

        Raises:
            InvalidArgumentError: It is no ticket, or not the whole of one; the field is ``ticket``.
        """
        return Ticket(NativeTicket.decode(text))

    def encode(self) -> str:
        """The ticket as printable ASCII without spaces or quotes."""
        return self._native.encode()

    @property
    def id(self) -> str:
        """The hand-over's id: safe to log, the same for every delivery of the ticket."""
        return self._native.id

    @property
    def resource(self) -> str:
        """The resource this ticket is for."""
        return self._native.resource

    @property
    def ttl(self) -> float:
        """Seconds it is good for, from when it was made, until somebody adopts it."""
        return self._native.ttl

    @property
    def fencing_token(self) -> int | None:
        """The fencing token of the lease that was handed over; the adopter gets a larger one."""
        return self._native.fencing_token

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ticket):
            return NotImplemented
        return self.encode() == other.encode()

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<Ticket for {self.resource!r}, id {self.id}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Ticket.decode, (self.encode(),))
