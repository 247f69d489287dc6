"""What the jobs of all queues do, told through a list in the broker that the tests read."""

from __future__ import annotations

import os
import time
from typing import Any

import redis
from quorlock import AsyncClient, AsyncGuard, Client, Guard

NODES = os.environ.get("LOCK_NODES", "memory://").split(",")
BROKER = os.environ.get("BROKER", "redis://127.0.0.1:1")
TTL = 1.5

broker = redis.Redis.from_url(BROKER)


def blocking_client() -> Client:
    return Client(NODES, ttl=TTL)


def async_client() -> AsyncClient:
    return AsyncClient(NODES, ttl=TTL)


def tell(word: str) -> None:
    broker.rpush("told", word)


def work(kind: str, guard: Guard | AsyncGuard) -> None:
    """One job: `kind` says how it goes."""
    guard.check()
    tell(f"begun {kind} adopted={guard.is_adopted} token={guard.fencing_token}")
    if kind == "slow":
        # Longer than the ttl: it is renewed.
        time.sleep(2 * TTL)
        guard.check()
    elif kind.startswith("flaky") and broker.incr(f"tries:{kind}") == 1:
        raise OSError("this time it fails")
    elif kind.startswith("broken"):
        raise ValueError("it always fails")
    elif kind.startswith("robbed"):
        rob(guard.resource)
        by = time.monotonic() + 20
        while guard.loss is None and time.monotonic() < by:
            time.sleep(0.02)
        tell(f"lost {kind} {guard.loss}")
    tell(f"done {kind}")


def rob(resource: str) -> None:
    """Takes the key away on every node."""
    for node in NODES:
        with redis.Redis.from_url(node) as server:
            server.delete(resource)


def arguments_of(kind: str) -> tuple[Any, ...]:
    return (kind,)
