"""arq jobs that come with their lock; see `quorlock.integrations`.

>>> from quorlock import AsyncClient, AsyncGuard
>>> from quorlock.integrations.arq import enqueue_locked, locked_job
>>> client = AsyncClient(["memory://arq-doc"])
>>> @locked_job(client, busy="retry", expired="relock")
... async def charge(ctx: dict[str, object], invoice: int) -> None:
...     AsyncGuard.current().check()

``await enqueue_locked(pool, client, "invoice:42", "charge", 42)`` publishes it; ``None``: it is
scheduled already, or arq knows a job of this id.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from arq.worker import Retry

from quorlock.integrations._jobs import (
    FIELD,
    Busy,
    Expired,
    Policy,
    Refused,
    publish_async,
    take_async,
    under,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from arq.connections import ArqRedis
    from arq.jobs import Job

    from quorlock.async_client import AsyncClient
    from quorlock.async_guard import AsyncGuard
    from quorlock.options import Span

__all__ = ["enqueue_locked", "locked_job"]


class _NotEnqueued(Exception):
    """arq knows a job of this id already."""


async def enqueue_locked(
    pool: ArqRedis,
    client: AsyncClient,
    key: str,
    function: str,
    *args: Any,
    ticket_ttl: Span | None = None,
    **options: Any,
) -> Job | None:
    """Takes the lock of ``key`` and enqueues the job with it.

    ``None`` where the lock is taken already, or arq knows a job of this ``_job_id``.

    Args:
        pool: Where to.
        client: Takes the lock.
        key: The resource to lock.
        function: The name of a function decorated with `locked_job`.
        *args: For the function.
        ticket_ttl: How long the job may wait in the queue: the client's ttl by default.
        **options: For ``pool.enqueue_job``.
    """

    async def send(ticket: str) -> Job:
        given: dict[str, Any] = {**options, FIELD: ticket}
        job = await pool.enqueue_job(function, *args, **given)
        if job is None:
            raise _NotEnqueued
        return job

    try:
        return await publish_async(client, key, ticket_ttl, send)
    except _NotEnqueued:
        return None


def locked_job(
    client: AsyncClient,
    *,
    busy: Busy = "retry",
    expired: Expired = "fail",
    busy_delay: float = 5.0,
    retry_ttl: float = 600.0,
) -> Callable[[Callable[..., Coroutine[Any, Any, Any]]], Callable[..., Coroutine[Any, Any, Any]]]:
    """Decorates a job coroutine that adopts the lock its job comes with.

    Args:
        client: Adopts the locks.
        busy: What a redelivery does while the first delivery works.
        expired: What a job does whose ticket has run out in the queue.
        busy_delay: Seconds after which a busy job is tried again; arq counts it as a try.
        retry_ttl: Seconds the lock of a job that is to be tried again is kept for its next try.
    """
    policy = Policy(busy, expired)

    def decorated(
        function: Callable[..., Coroutine[Any, Any, Any]],
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        @functools.wraps(function)
        async def under_lock(ctx: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            ticket = kwargs.pop(FIELD, None)
            if ticket is None:
                return await function(ctx, *args, **kwargs)
            # arq tries again with the same arguments: a newer ticket waits beside the job.
            kept = f"arq:{FIELD}:{ctx['job_id']}"
            newer = await ctx["redis"].get(kept)
            try:
                guard = await take_async(client, newer.decode() if newer else ticket, policy)
            except Refused as refused:
                if refused.again:
                    raise Retry(defer=busy_delay) from None
                return None
            async with guard:
                with under(guard):
                    try:
                        return await function(ctx, *args, **kwargs)
                    except (Retry, asyncio.CancelledError):
                        # What arq tries again: asked for by the job, or cut short by a shutdown.
                        await _keep(ctx, guard, kept, retry_ttl)
                        raise

        return under_lock

    return decorated


async def _keep(ctx: dict[str, Any], guard: AsyncGuard, kept: str, retry_ttl: float) -> None:
    if guard.is_held:
        ticket = await guard.detach(retry_ttl)
        await ctx["redis"].set(kept, ticket.encode(), px=int(retry_ttl * 1000))
