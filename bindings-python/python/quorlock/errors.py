"""Exceptions: one class per row of the error table that all languages share.

Every exception can be pickled with all it carries, so that it travels through Celery and
``multiprocessing``. No message holds a password or a lock token.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

__all__ = [
    "ClientClosedError",
    "ConfigError",
    "Fault",
    "ForkedProcessError",
    "InternalError",
    "InvalidArgumentError",
    "LeaseLostError",
    "LockContendedError",
    "LockTimeoutError",
    "NodeOutcome",
    "NotHeldError",
    "ProtocolError",
    "QuorlockError",
    "QuorumUnavailableError",
]

FaultParts: TypeAlias = tuple[str, str, bool]
OutcomeParts: TypeAlias = tuple[str, str, FaultParts | None, float | None, bool, float]


@dataclass(frozen=True)
class Fault:
    """Why one node could not serve a command."""

    kind: str
    """``unreachable``, ``disconnected``, ``timeout``, ``stalled``, ``transient``, ``operator``,
    ``permission``, ``topology``, ``unsupported``, ``foreign_format``, ``protocol``, ``tls``,
    ``unknown``, ``closed`` or ``guarded``."""
    detail: str
    """A few words for a human: never the server's own text, never a secret."""
    may_have_run: bool
    """False only where the command certainly had no effect."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


@dataclass(frozen=True)
class NodeOutcome:
    """What one node said in an operation."""

    node: str
    """The node's address without user, password or query."""
    status: str
    """``granted``, ``held_by_another``, ``queued``, ``missing``, ``spent``, ``faulted``,
    ``unheard`` or ``not_asked``."""
    fault: Fault | None
    """Set where the status is ``faulted``."""
    remaining: float | None
    """``held_by_another``: seconds the other's key still lives on that node, if it told."""
    is_foreign: bool
    """``held_by_another``: true where the value is not one of Quorlock's."""
    elapsed: float
    """Seconds from sending to the answer, or to the end of waiting for one."""


class QuorlockError(Exception):
    """What every error of Quorlock is.

    Attributes:
        code: The stable code, the same in all languages, such as ``QUORLOCK_TIMEOUT``.
        message: What went wrong, in words; ``str(error)`` adds the rest of what is known.
        field: The path of the argument or option that is wrong, if one is.
        resource: The resource the operation was about.
        operation: The operation, such as ``acquire``.
        attempts: How many rounds were tried.
        elapsed: Seconds the operation ran.
        outcomes: What each node said in the last round; empty where no node was asked.
    """

    code: ClassVar[str] = "QUORLOCK_INTERNAL"

    def __init__(
        self,
        text: str,
        *,
        message: str | None = None,
        field: str | None = None,
        resource: str | None = None,
        operation: str | None = None,
        attempts: int = 0,
        elapsed: float = 0.0,
        outcomes: tuple[NodeOutcome, ...] = (),
    ) -> None:
        super().__init__(text)
        self.message = text if message is None else message
        self.field = field
        self.resource = resource
        self.operation = operation
        self.attempts = attempts
        self.elapsed = elapsed
        self.outcomes = outcomes

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuilt, (type(self), self.args[0], self.__dict__.copy()))


class LockContendedError(QuorlockError):
    """Somebody else holds the lock and the caller did not want to wait."""

    code = "QUORLOCK_CONTENDED"


class LockTimeoutError(QuorlockError, TimeoutError):
    """The wait ended before the lock became free."""

    code = "QUORLOCK_TIMEOUT"


class QuorumUnavailableError(QuorlockError, ConnectionError):
    """Too few nodes answered, so nobody can tell who holds the lock."""

    code = "QUORLOCK_QUORUM_UNAVAILABLE"


class LeaseLostError(QuorlockError):
    """The lease ended while it was in use."""

    code = "QUORLOCK_LEASE_LOST"


class NotHeldError(QuorlockError):
    """The caller does not hold it: released, handed over, or a ticket that cannot be used."""

    code = "QUORLOCK_NOT_HELD"


class InvalidArgumentError(QuorlockError, ValueError):
    """An argument is outside its bounds; nothing was sent."""

    code = "QUORLOCK_INVALID_ARGUMENT"


class ConfigError(QuorlockError, ValueError):
    """The client's configuration is wrong, or the servers contradict it."""

    code = "QUORLOCK_INVALID_CONFIG"


class ClientClosedError(QuorlockError):
    """The client was closed."""

    code = "QUORLOCK_CLOSED"


class ForkedProcessError(QuorlockError, RuntimeError):
    """The object belongs to the parent of this forked process."""

    code = "QUORLOCK_FORKED"


class ProtocolError(QuorlockError):
    """A server broke the protocol."""

    code = "QUORLOCK_PROTOCOL"


class InternalError(QuorlockError):
    """A bug in Quorlock."""

    code = "QUORLOCK_INTERNAL"


_CANCELLED = "QUORLOCK_CANCELLED"
_BY_CODE: dict[str, type[QuorlockError]] = {
    kind.code: kind
    for kind in (
        LockContendedError,
        LockTimeoutError,
        QuorumUnavailableError,
        LeaseLostError,
        NotHeldError,
        InvalidArgumentError,
        ConfigError,
        ClientClosedError,
        ForkedProcessError,
        ProtocolError,
        InternalError,
    )
}


def _rebuilt(kind: type[QuorlockError], text: str, state: dict[str, Any]) -> QuorlockError:
    error = kind(text)
    error.__dict__.update(state)
    return error


def fault_of(parts: FaultParts | None) -> Fault | None:
    """The fault the engine tells of in parts."""
    return None if parts is None else Fault(*parts)


def outcomes_of(parts: list[OutcomeParts]) -> tuple[NodeOutcome, ...]:
    """The outcomes the engine tells of in parts."""
    return tuple(
        NodeOutcome(node, status, fault_of(fault), remaining, is_foreign, elapsed)
        for node, status, fault, remaining, is_foreign, elapsed in parts
    )


def from_native(
    code: str,
    text: str,
    message: str,
    field: str | None,
    resource: str | None,
    operation: str | None,
    attempts: int,
    elapsed: float,
    outcomes: list[OutcomeParts],
) -> BaseException:
    """The exception for an error of the engine. Called by the compiled module."""
    if code == _CANCELLED:
        return asyncio.CancelledError(text)
    return _BY_CODE.get(code, InternalError)(
        text,
        message=message,
        field=field,
        resource=resource,
        operation=operation,
        attempts=attempts,
        elapsed=elapsed,
        outcomes=outcomes_of(outcomes),
    )


def invalid(field: str, message: str) -> InvalidArgumentError:
    """The error for an argument that Python lets through and Quorlock does not."""
    return InvalidArgumentError(f"{field}: {message}", message=message, field=field)
