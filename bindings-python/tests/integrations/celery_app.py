"""The Celery application of the tests."""

from __future__ import annotations

import deeds
from celery import Celery
from quorlock import Guard
from quorlock.integrations.celery import LockedTask, locked_task

client = deeds.blocking_client()
app = Celery(broker=deeds.BROKER)
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_hijack_root_logger=False,
    task_acks_late=True,
)


@app.task(base=locked_task(client, busy_delay=0.5), bind=True)
def job(self: LockedTask, kind: str) -> None:
    try:
        deeds.work(kind, Guard.current())
    except OSError as error:
        raise self.retry(exc=error, countdown=0.2) from error


@app.task(
    base=locked_task(client, busy="skip", expired="relock"),
    autoretry_for=(OSError,),
    retry_kwargs={"countdown": 0.2, "max_retries": 2},
)
def relocking(kind: str) -> None:
    deeds.work(kind, Guard.current())


@app.task(base=locked_task(client))
def plain() -> None:
    deeds.tell("plain")
