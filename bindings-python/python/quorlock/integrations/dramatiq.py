"""Dramatiq messages that come with their lock; see `quorlock.integrations`.

>>> import dramatiq
>>> from dramatiq.brokers.stub import StubBroker
>>> from quorlock import Client, Guard
>>> from quorlock.integrations.dramatiq import QuorlockMiddleware, send_locked
>>> client = Client(["memory://dramatiq-doc"])
>>> broker = StubBroker()
>>> broker.add_middleware(QuorlockMiddleware(client), after=dramatiq.middleware.Retries)
>>> dramatiq.set_broker(broker)
>>> @dramatiq.actor
... def charge(invoice: int) -> None:
...     Guard.current().check()
>>> sent = send_locked(client, "invoice:42", charge.message(42))  # None: it is scheduled already
"""

# pyright: basic
# The queue's own types are incomplete.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dramatiq
from dramatiq.middleware import Middleware, MiddlewareError, Retries, SkipMessage

from quorlock._holding import current
from quorlock.errors import QuorlockError
from quorlock.guard import lost_in_block
from quorlock.integrations._jobs import FIELD, Busy, Expired, Policy, Refused, publish, take
from quorlock.ticket import Ticket

if TYPE_CHECKING:
    from contextvars import Token

    from dramatiq import Broker, Message
    from dramatiq.broker import MessageProxy

    from quorlock.client import Client
    from quorlock.guard import Guard
    from quorlock.options import Span

__all__ = ["NotLockedError", "QuorlockMiddleware", "send_locked"]


def send_locked(
    client: Client,
    key: str,
    message: Message[Any],
    *,
    ticket_ttl: Span | None = None,
    delay: int | None = None,
) -> Message[Any] | None:
    """Takes the lock of ``key`` and sends ``message`` with it; ``None`` where it is taken already.

    Args:
        client: Takes the lock.
        key: The resource to lock.
        message: As made by ``actor.message(…)``.
        ticket_ttl: How long it may wait in the queue: the client's ttl by default.
        delay: Milliseconds before it may run, as for ``broker.enqueue``.
    """

    def send(ticket: str) -> Message[Any]:
        broker = dramatiq.get_broker()
        return broker.enqueue(message.copy(options={FIELD: ticket}), delay=delay)

    return publish(client, key, ticket_ttl, send)


class NotLockedError(MiddlewareError):
    """A message whose lock cannot be had fails with this, and is retried like any that fails."""


class QuorlockMiddleware(Middleware):
    """Adopts the lock of each message that comes with one.

    Add it after ``Retries``: ``broker.add_middleware(QuorlockMiddleware(client), after=Retries)``.
    """

    def __init__(
        self,
        client: Client,
        *,
        busy: Busy = "retry",
        expired: Expired = "fail",
        busy_delay: float = 5.0,
        retry_ttl: Span = 600.0,
    ) -> None:
        """Locks are those of ``client``.

        Args:
            client: Adopts the locks.
            busy: What a redelivery does while the first delivery works.
            expired: What a message does whose ticket has run out in the queue.
            busy_delay: Seconds after which a busy message is tried again.
            retry_ttl: How long the lock of a message that failed is kept for its next try.
        """
        self._client = client
        self._policy = Policy(busy, expired)
        self._busy_delay = busy_delay
        self._retry_ttl = retry_ttl
        self._running: dict[str, tuple[Guard, Token[Any]]] = {}

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Takes the lock."""
        ticket = message.options.get(FIELD)
        if ticket is None:
            return
        try:
            guard = take(self._client, ticket, self._policy)
        except Refused as refused:
            if refused.again:
                broker.enqueue(message.copy(), delay=int(self._busy_delay * 1000))
            raise SkipMessage from None
        except Exception as error:
            # Dramatiq logs any other exception here and runs the message all the same.
            raise NotLockedError(str(error)) from error
        self._running[message.message_id] = (guard, current.set(guard))

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Gives the lock back, or keeps it for the next try."""
        running = self._running.pop(message.message_id, None)
        if running is None:
            return
        guard, before = running
        current.reset(before)
        if exception is not None and guard.is_held and _has(broker, Retries):
            # Whether there is a next try is decided next, by Retries; `after_nack` hears if not.
            message.options[FIELD] = guard.detach(self._retry_ttl).encode()
            return
        guard.release()
        if exception is None and guard.loss is not None:
            # The message ran and cannot fail any more; Dramatiq logs this as critical.
            raise lost_in_block(guard)

    def after_nack(self, broker: Broker, message: MessageProxy) -> None:
        """Gives back the lock of a message that failed for good."""
        ticket = message.options.get(FIELD)
        if ticket is not None:
            try:
                self._client.adopt(Ticket.decode(ticket)).release()
            except QuorlockError:
                # It was given back before, or has run out.
                return


def _has(broker: Broker, kind: type[Middleware]) -> bool:
    return any(isinstance(one, kind) for one in broker.middleware)
