"""RQ jobs that come with their lock; see `quorlock.integrations`.

>>> from quorlock import Client, Guard
>>> from quorlock.integrations.rq import enqueue_locked, locked_job
>>> client = Client(["memory://rq-doc"])
>>> @locked_job(client, busy="retry", expired="relock")
... def charge(invoice: int) -> None:
...     Guard.current().check()

``enqueue_locked(queue, client, "invoice:42", charge, 42)`` publishes it; ``None``: it is scheduled
already.
"""

# pyright: basic
# The queue's own types are incomplete.

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from rq import Retry, get_current_job

from quorlock.integrations._jobs import FIELD, Busy, Expired, Policy, Refused, publish, take, under

if TYPE_CHECKING:
    from collections.abc import Callable

    from rq import Queue
    from rq.job import Job

    from quorlock.client import Client
    from quorlock.options import Span

__all__ = ["enqueue_locked", "locked_job"]

P = ParamSpec("P")
R = TypeVar("R")

# A busy job is looked at again this often at most: two days at the default delay.
_BUSY_TRIES_MAX = 35_000


def enqueue_locked(
    queue: Queue,
    client: Client,
    key: str,
    function: Callable[..., object],
    *args: Any,
    ticket_ttl: Span | None = None,
    kwargs: dict[str, Any] | None = None,
    **options: Any,
) -> Job | None:
    """Takes the lock of ``key`` and enqueues the job with it; ``None`` where it is taken already.

    Args:
        queue: Where to.
        client: Takes the lock.
        key: The resource to lock.
        function: Decorated with `locked_job`.
        *args: For the function.
        ticket_ttl: How long the job may wait in the queue: the client's ttl by default.
        kwargs: For the function.
        **options: For ``queue.enqueue``.
    """

    def send(ticket: str) -> Job:
        meta = {**(options.pop("meta", None) or {}), FIELD: ticket}
        return queue.enqueue(function, args=args, kwargs=kwargs or {}, meta=meta, **options)

    return publish(client, key, ticket_ttl, send)


def locked_job(
    client: Client,
    *,
    busy: Busy = "retry",
    expired: Expired = "fail",
    busy_delay: int = 5,
    retry_ttl: Span = 600.0,
) -> Callable[[Callable[P, R]], Callable[P, R | Retry | None]]:
    """Decorates a job function that adopts the lock its job comes with.

    Args:
        client: Adopts the locks.
        busy: What a redelivery does while the first delivery works.
        expired: What a job does whose ticket has run out in the queue.
        busy_delay: Whole seconds after which a busy job is tried again; needs the RQ scheduler.
        retry_ttl: How long the lock of a job that failed is kept for its next try.
    """
    policy = Policy(busy, expired)

    def decorated(function: Callable[P, R]) -> Callable[P, R | Retry | None]:
        @functools.wraps(function)
        def under_lock(*args: P.args, **kwargs: P.kwargs) -> R | Retry | None:
            job = get_current_job()
            ticket = None if job is None else job.meta.get(FIELD)
            if job is None or ticket is None:
                return function(*args, **kwargs)
            try:
                guard = take(client, ticket, policy)
            except Refused as refused:
                return Retry(_BUSY_TRIES_MAX, busy_delay) if refused.again else None
            with guard, under(guard):
                try:
                    return function(*args, **kwargs)
                except Exception:
                    if job.retries_left and guard.is_held:
                        job.meta[FIELD] = guard.detach(retry_ttl).encode()
                        job.save_meta()  # type: ignore[no-untyped-call]
                    raise

        return under_lock

    return decorated
