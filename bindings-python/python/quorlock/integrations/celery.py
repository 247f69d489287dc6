"""Celery tasks that come with their lock; see `quorlock.integrations`.

>>> from celery import Celery
>>> from quorlock import Client, Guard
>>> from quorlock.integrations.celery import locked_task
>>> client = Client(["memory://celery-doc"])
>>> app = Celery(broker="memory://")
>>> @app.task(base=locked_task(client, busy="retry", expired="relock"))
... def charge(invoice: int) -> None:
...     Guard.current().check()
>>> result = charge.lock_and_apply("invoice:42", args=(42,))  # None: it is scheduled already

A client made in the parent of prefork workers works in each of them. All pools are supported that run
tasks in threads or processes of their own.
"""

# pyright: basic
# The queue's own types are incomplete.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Task
from celery.exceptions import Ignore

from quorlock._holding import current
from quorlock.guard import Guard
from quorlock.integrations._jobs import FIELD, Busy, Expired, Policy, Refused, publish, take, under

if TYPE_CHECKING:
    from celery.result import AsyncResult

    from quorlock.client import Client
    from quorlock.options import Span

__all__ = ["LockedTask", "locked_task"]


class LockedTask(Task):  # type: ignore[misc]  # Celery has no types
    """The base of tasks that come with their lock; made by `locked_task`."""

    abstract = True
    quorlock_client: Client
    quorlock_policy: Policy
    quorlock_busy_delay: float

    def lock_and_apply(
        self,
        key: str,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        *,
        ticket_ttl: Span | None = None,
        **options: Any,
    ) -> AsyncResult | None:
        """Takes the lock of ``key`` and sends the task with it; ``None`` where it is taken already.

        Args:
            key: The resource to lock.
            args: For the task.
            kwargs: For the task.
            ticket_ttl: How long the task may wait in the queue: the client's ttl by default.
            **options: For ``apply_async``.
        """

        def send(ticket: str) -> AsyncResult:
            headers = {**(options.pop("headers", None) or {}), FIELD: ticket}
            sent: AsyncResult = self.apply_async(args, kwargs, headers=headers, **options)
            return sent

        return publish(self.quorlock_client, key, ticket_ttl, send)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the task under the lock it came with; without one, as any task."""
        ticket = (self.request.headers or {}).get(FIELD) or self.request.get(FIELD)
        if ticket is None:
            return super().__call__(*args, **kwargs)
        try:
            guard = take(self.quorlock_client, ticket, self.quorlock_policy)
        except Refused as refused:
            if refused.again:
                # As often as it takes: until the work is done or its ticket has run out.
                raise self.retry(countdown=self.quorlock_busy_delay, max_retries=None) from None
            raise Ignore from None
        with guard, under(guard):
            return super().__call__(*args, **kwargs)

    def retry(self, *args: Any, **options: Any) -> Any:
        """As Celery's, with the lock kept for the next try."""
        guard = current.get(None)
        if not isinstance(guard, Guard) or not guard.is_held:
            return super().retry(*args, **options)
        return self._retry_under(guard, *args, **options)

    def _retry_under(self, guard: Guard, *args: Any, **options: Any) -> Any:
        limit = options.get("max_retries", self.max_retries)
        if limit is not None and self.request.retries >= limit:
            return super().retry(*args, **options)
        delay = options.get("countdown")
        delay = self.default_retry_delay if delay is None else delay
        ticket = guard.detach(delay + self.quorlock_busy_delay)
        headers = {**(self.request.headers or {}), FIELD: ticket.encode()}
        return super().retry(*args, **{**options, "headers": headers})


def locked_task(
    client: Client, *, busy: Busy = "retry", expired: Expired = "fail", busy_delay: float = 5.0
) -> type[LockedTask]:
    """The ``base`` of tasks whose locks are those of ``client``.

    Args:
        client: Takes and adopts the locks.
        busy: What a redelivery does while the first delivery works.
        expired: What a task does whose ticket has run out in the queue.
        busy_delay: Seconds after which a busy task is tried again.
    """
    policy = Policy(busy, expired)
    settings = {
        "abstract": True,
        "quorlock_client": client,
        "quorlock_policy": policy,
        "quorlock_busy_delay": busy_delay,
    }
    return type("LockedTask", (LockedTask,), settings)
