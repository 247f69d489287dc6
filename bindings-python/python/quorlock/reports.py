"""What calls tell: results of a release, who holds what, how the nodes are, counts and events.

All durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from quorlock.errors import Fault, NodeOutcome, fault_of, outcomes_of

__all__ = [
    "Event",
    "Health",
    "HealthWarning",
    "Inspection",
    "LossReason",
    "NodeHealth",
    "NodeView",
    "Released",
    "Stats",
]

LossReason: TypeAlias = Literal[
    "majority", "expired", "hold_limit", "renewal_limit", "host_silent", "resigned"
]
"""Why a lock was lost: a majority of the nodes no longer has the key; the validity ran out before a
majority confirmed a renewal; the longest hold time or the largest number of renewals was reached;
the event loop did not answer for ``host_silence_max``; or the leader resigned."""


@dataclass(frozen=True)
class Released:
    """What became of a release."""

    result: Literal["released", "already_expired", "still_held", "unknown"]
    """``released``: the lock is free. ``already_expired``: there was nothing to give back.
    ``still_held``: other guards of the lock are left, see `Guard.reenter`.
    ``unknown``: too few nodes answered; the engine goes on until they do or the ttl has passed."""
    outcomes: tuple[NodeOutcome, ...]
    """The nodes that leave it unknown."""

    @classmethod
    def _of(cls, parts: Any) -> Released:
        result, outcomes = parts
        return cls(result, outcomes_of(outcomes))


@dataclass(frozen=True)
class NodeView:
    """What one node shows of a resource."""

    node: str
    """The node's address."""
    owner: str | None
    """The owner's label; ``foreign`` where another library wrote the key, ``None`` without a key."""
    remaining: float | None
    """How long the key still lives."""
    fencing_counter: int | None
    """The resource's fencing counter there."""
    waiters: int | None
    """Waiters in the queue there; ``None`` where the user may not ask."""
    fault: Fault | None
    """Why the node did not answer, if it did not."""


@dataclass(frozen=True)
class Inspection:
    """Who holds a resource, node by node."""

    resource: str
    """The resource."""
    holder: str | None
    """The owner whose key a majority shows: ``host/pid/language/text``, or ``foreign``."""
    quorum: int
    """Votes that make a majority."""
    nodes: tuple[NodeView, ...]
    """Each node, in the order of the configuration."""

    @classmethod
    def _of(cls, parts: Any) -> Inspection:
        resource, holder, quorum, nodes = parts
        views = (
            NodeView(node, owner, remaining, counter, waiters, fault_of(fault))
            for node, owner, remaining, counter, waiters, fault in nodes
        )
        return cls(resource, holder, quorum, tuple(views))


@dataclass(frozen=True)
class NodeHealth:
    """What one node says of itself, as far as its user may ask."""

    node: str
    """The node's address."""
    fault: Fault | None
    """Why it did not answer, if it did not."""
    round_trip: float
    """How long the answer took."""
    server: str | None
    """``redis``, ``valkey`` or ``memory``."""
    version: str | None
    """The server's version."""
    mode: str | None
    """``standalone``, ``cluster`` or ``sentinel``."""
    role: str | None
    """``master`` or ``slave``."""
    append_only: bool | None
    """Whether an append-only file is on."""
    eviction: str | None
    """The eviction policy."""
    replicas: int | None
    """Connected replicas."""
    guarded: float | None
    """How long its answers do not count, where it came back without its data, in seconds."""


@dataclass(frozen=True)
class HealthWarning:
    """One thing worth a look."""

    name: str
    """``same_server``, ``not_primary``, ``mode``, ``evicts``, ``guarded``, ``unguarded``,
    ``no_persistence``, ``unreachable``, ``even_nodes`` or ``no_spare``."""
    message: str
    """What is wrong, and what to do."""

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Health:
    """What is known of the nodes, and what is wrong with them."""

    has_quorum: bool
    """True where a majority of the nodes can be reached: locks can be had."""
    quorum: int
    """Votes that make a majority."""
    nodes: tuple[NodeHealth, ...]
    """Each node, in the order of the configuration."""
    warnings: tuple[HealthWarning, ...]
    """Everything worth a look, most serious first."""

    @classmethod
    def _of(cls, parts: Any) -> Health:
        has_quorum, quorum, nodes, warnings = parts
        healths = (NodeHealth(node, fault_of(fault), *rest) for node, fault, *rest in nodes)
        return cls(has_quorum, quorum, tuple(healths), tuple(HealthWarning(*one) for one in warnings))


@dataclass(frozen=True)
class Stats:
    """What one client did since it was made, in this process. A snapshot; reading it is local."""

    acquired: int
    """Locks won."""
    contended: int
    """Tries that found somebody else holding the lock."""
    failed: int
    """Calls that ended with an error."""
    renewed: int
    """Renewals confirmed by a majority."""
    lost: int
    """Leases lost."""
    released: int
    """Locks given back."""
    detached: int
    """Locks handed over as tickets."""
    adopted: int
    """Locks taken over by tickets."""
    node_faults: int
    """Nodes that could not serve their part of a failed call."""
    rounds: int
    """Rounds it took to win, in all."""
    waited: float
    """Time from the call to the lock, over all locks won."""
    held: float
    """Time locks were held, over all given back."""
    renewal_margin_min: float | None
    """The least validity that was left when a renewal was confirmed; ``None`` before the first."""

    @classmethod
    def _of(cls, parts: Any) -> Stats:
        counts, times = parts
        return cls(*counts, *times)


@dataclass(frozen=True)
class Event:
    """One thing that happened to a lock of a client."""

    kind: Literal[
        "acquired",
        "contended",
        "failed",
        "renewed",
        "lost",
        "released",
        "detached",
        "adopted",
        "guarded",
        "admitted",
    ]
    """What."""
    resource: str
    """The resource, as it was named; empty where it is about a node."""
    detail: str
    """``failed``: the error's code. ``lost``: the reason. ``released``: ``released``,
    ``already_expired`` or ``unknown``. ``detached``: the ticket's id. ``guarded``, ``admitted``:
    the node. Else empty."""
    span: float
    """``acquired``, ``adopted``, ``failed``: time since the call. ``renewed``: validity that was
    left. ``released``: how long the lock was held. ``guarded``: until the node votes. Else zero."""
    attempts: int
    """Rounds tried; 0 where there are none."""
