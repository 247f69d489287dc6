"""The options of a client, the same for threads and for event loops."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, TypeAlias, TypedDict

from quorlock.errors import invalid
from quorlock.ticket import Ticket

__all__ = ["ClientOptions", "Span"]

Span: TypeAlias = float | timedelta
"""A duration: seconds as ``int`` or ``float``, or a ``timedelta``."""


class ClientOptions(TypedDict, total=False):
    """What `Client` and `AsyncClient` take by keyword. ``None`` is the default."""

    ttl: Span | None
    """How long a lease lives without renewal: 10 ms to 24 h, 10 s by default."""
    timeout: Span | None
    """How long ``acquire`` waits: 30 s by default."""
    renew: bool | None
    """Whether leases are renewed in the background: yes by default."""
    hold_max: Span | None
    """How long a lease may be held in all, renewals included: 1 h by default."""
    renewals_max: int | None
    """How often a lease may be renewed: 100,000 times by default."""
    node_timeout: Span | None
    """How long one node may take to answer: the smaller of 50 ms and ttl / 10 by default."""
    connect_timeout: Span | None
    """How long making a connection may take, each phase: 1 s by default."""
    key_prefix: str | None
    """What every key begins with: nothing by default. At most 256 bytes, no braces."""
    fencing: Literal["auto", "required", "off"] | None
    """Whether leases carry a fencing token: ``auto`` by default, where the nodes can count."""
    ticket_retention: Span | None
    """How long the nodes remember that a ticket's work is done: 1 h by default. At least as long as
    a queue may deliver a job again."""
    waiters_max: int | None
    """The most callers of this client that may wait at once: 10,000 by default and at most."""
    owner: str | None
    """Free text that ``inspect`` shows beside host, process and language of a holder."""
    tls_ca_pem: str | None
    """Certificates to trust for ``rediss://``, in PEM, beside the built-in roots."""
    tls_verify: bool | None
    """False switches the checks of certificates off; whoever can reach the network can then read
    and change everything."""
    restart_guard: Literal["auto", "on", "off"] | None
    """Whether a node that came back without its data is kept from voting until it is safe:
    ``auto`` by default, with three nodes or more."""
    assume_fresh: bool | None
    """Whether a cluster of which every node answers and none has ever been used may be used at
    once: yes by default; false waits for the longest ttl."""


def ticket_of(ticket: Any) -> Any:
    """The engine's ticket, of a ticket and nothing else."""
    if not isinstance(ticket, Ticket):
        raise invalid("ticket", f"must be a Ticket, is a {type(ticket).__name__}")
    return ticket._native


def callback_of(name: str, callback: Any) -> Any:
    """The callback given as ``name``, if it can be called."""
    if callback is not None and not callable(callback):
        raise invalid(name, f"must be callable, is a {type(callback).__name__}")
    return callback
