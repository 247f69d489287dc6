"""What all queues have in common: taking a lock for a job, and what a refused ticket means."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from quorlock._holding import current
from quorlock.errors import NotHeldError, QuorlockError, invalid
from quorlock.ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from quorlock.async_client import AsyncClient
    from quorlock.async_guard import AsyncGuard
    from quorlock.client import Client
    from quorlock.guard import Guard
    from quorlock.options import Span

T = TypeVar("T")

Busy: TypeAlias = Literal["retry", "skip"]
Expired: TypeAlias = Literal["fail", "relock", "skip"]

FIELD = "quorlock_ticket"
"""Under this name a ticket travels in a job."""


@dataclass(frozen=True)
class Policy:
    """What to do with a job whose ticket is refused."""

    busy: Busy = "retry"
    expired: Expired = "fail"

    def __post_init__(self) -> None:
        if self.busy not in ("retry", "skip"):
            raise invalid("busy", "must be retry or skip")
        if self.expired not in ("fail", "relock", "skip"):
            raise invalid("expired", "must be fail, relock or skip")


class Refused(Exception):
    """The job must not run now: try it again later, or not at all."""

    def __init__(self, again: bool) -> None:
        super().__init__(again)
        self.again = again


def publish(client: Client, key: str, ttl: Span | None, send: Callable[[str], T]) -> T | None:
    """Locks ``key`` and has the ticket sent; ``None`` where somebody has the lock already."""
    guard = client.mutex(key).try_acquire()
    if guard is None:
        return None
    with guard:
        ticket = guard.detach(ttl)
    try:
        return send(ticket.encode())
    except BaseException:
        with contextlib.suppress(QuorlockError):
            client.adopt(ticket).release()
        raise


async def publish_async(
    client: AsyncClient, key: str, ttl: Span | None, send: Callable[[str], Awaitable[T]]
) -> T | None:
    """As `publish`."""
    guard = await client.mutex(key).try_acquire()
    if guard is None:
        return None
    async with guard:
        ticket = await guard.detach(ttl)
    try:
        return await send(ticket.encode())
    except BaseException:
        with contextlib.suppress(QuorlockError):
            await (await client.adopt(ticket)).release()
        raise


def take(client: Client, text: str, policy: Policy) -> Guard:
    """The lock of a job's ticket.

    Raises:
        Refused: The job must not run now.
        NotHeldError: The ticket has run out, and ``policy`` lets the job fail for it.
    """
    ticket = Ticket.decode(text)
    try:
        return client.adopt(ticket)
    except NotHeldError as error:
        if not _relocks(error, policy):
            raise
    guard = client.mutex(ticket.resource).try_acquire()
    if guard is None:
        raise Refused(policy.busy == "retry")
    return guard


async def take_async(client: AsyncClient, text: str, policy: Policy) -> AsyncGuard:
    """As `take`."""
    ticket = Ticket.decode(text)
    try:
        return await client.adopt(ticket)
    except NotHeldError as error:
        if not _relocks(error, policy):
            raise
    guard = await client.mutex(ticket.resource).try_acquire()
    if guard is None:
        raise Refused(policy.busy == "retry")
    return guard


def _relocks(error: NotHeldError, policy: Policy) -> bool:
    """True where a refused ticket's lock is to be taken afresh; else the job is refused or fails."""
    said = [outcome.status for outcome in error.outcomes]
    if "spent" in said:
        raise Refused(again=False) from error
    if said.count("held_by_another") > said.count("missing"):
        raise Refused(policy.busy == "retry") from error
    if policy.expired == "skip":
        raise Refused(again=False) from error
    return policy.expired == "relock"


@contextlib.contextmanager
def under(guard: Any) -> Generator[None, None, None]:
    """Makes ``guard`` the current one."""
    before = current.set(guard)
    try:
        yield
    finally:
        current.reset(before)
