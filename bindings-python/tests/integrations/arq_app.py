"""The arq worker of the tests."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import deeds
from arq.connections import RedisSettings
from arq.worker import Retry
from quorlock import AsyncGuard
from quorlock.integrations.arq import locked_job

client = deeds.async_client()


@locked_job(client, busy_delay=0.5)
async def job(ctx: dict[str, Any], kind: str) -> None:
    try:
        # The loop stays free, as an arq job's should.
        guard = AsyncGuard.current()
        await asyncio.to_thread(deeds.work, kind, guard)
    except OSError:
        raise Retry(defer=0.2) from None


@locked_job(client, expired="relock")
async def relocking(ctx: dict[str, Any], kind: str) -> None:
    await asyncio.to_thread(deeds.work, kind, AsyncGuard.current())


@locked_job(client)
async def plain(ctx: dict[str, Any]) -> None:
    deeds.tell("plain")


class WorkerSettings:
    """What `arq` runs."""

    functions: ClassVar[list[Any]] = [job, relocking, plain]
    redis_settings = RedisSettings.from_dsn(deeds.BROKER)
    poll_delay = 0.05
    max_tries = 20
