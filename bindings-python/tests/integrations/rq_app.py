"""The RQ jobs of the tests."""

from __future__ import annotations

import deeds
from quorlock import Guard
from quorlock.integrations.rq import locked_job

client = deeds.blocking_client()


@locked_job(client, busy_delay=1)
def job(kind: str) -> None:
    deeds.work(kind, Guard.current())


@locked_job(client, expired="relock")
def relocking(kind: str) -> None:
    deeds.work(kind, Guard.current())


@locked_job(client)
def plain() -> None:
    deeds.tell("plain")
