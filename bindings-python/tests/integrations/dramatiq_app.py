"""The Dramatiq application of the tests."""

from __future__ import annotations

import deeds
import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries
from quorlock import Guard
from quorlock.integrations.dramatiq import QuorlockMiddleware

client = deeds.blocking_client()
broker = RedisBroker(url=deeds.BROKER)
broker.add_middleware(QuorlockMiddleware(client, busy_delay=0.5, expired="relock"), after=Retries)
dramatiq.set_broker(broker)


@dramatiq.actor(min_backoff=100, max_backoff=200, max_retries=2)
def job(kind: str) -> None:
    deeds.work(kind, Guard.current())


@dramatiq.actor
def plain() -> None:
    deeds.tell("plain")
