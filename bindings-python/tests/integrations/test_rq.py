"""RQ, with a worker that forks for each job."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import redis
from quorlock.integrations.rq import enqueue_locked
from rq import Queue, Retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Stage

# What the queue itself warns of is not ours.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def stage(stage_of: Callable[[], Stage]) -> Stage:
    stage = stage_of()
    # Two: a redelivery is to be looked at while the first delivery works.
    for _ in range(2):
        stage.worker("rq.cli", "worker", "--url", stage.broker, "--with-scheduler", "--quiet")
    return stage


@pytest.fixture
def queue(stage: Stage) -> Queue:
    return Queue(connection=redis.Redis.from_url(stage.broker))


@pytest.fixture
def jobs(stage: Stage) -> Any:
    import rq_app

    return rq_app


def test_a_job_comes_with_its_lock(stage: Stage, queue: Queue, jobs: Any) -> None:
    def enqueue() -> Any:
        return enqueue_locked(queue, stage.client, "slow", jobs.job, "slow", ticket_ttl=60)

    assert enqueue() is not None
    assert enqueue() is None
    stage.heard("begun slow adopted=True")
    assert enqueue() is None
    stage.heard("done slow")
    stage.is_free("slow")
    assert len(stage.heard("begun slow")) == 1


def test_delivered_twice_it_runs_once(stage: Stage, queue: Queue, jobs: Any) -> None:
    ticket = stage.client.mutex("twice").acquire().detach(60).encode()
    for _ in range(3):
        queue.enqueue(jobs.job, "slow:twice", meta={"quorlock_ticket": ticket})
    stage.heard("done slow:twice")
    stage.is_free("twice")
    time.sleep(2)
    assert len(stage.heard("begun slow:twice")) == 1


def test_the_lock_is_kept_for_the_next_try(stage: Stage, queue: Queue, jobs: Any) -> None:
    enqueue_locked(
        *(queue, stage.client, "flaky", jobs.job, "flaky"), ticket_ttl=60, retry=Retry(max=2)
    )
    stage.heard("done flaky")
    assert len(stage.heard("begun flaky adopted=True", times=2)) == 2
    stage.is_free("flaky")


def test_a_job_that_fails_for_good_gives_the_lock_back(stage: Stage, queue: Queue, jobs: Any) -> None:
    enqueue_locked(
        *(queue, stage.client, "broken", jobs.job, "broken"), ticket_ttl=600, retry=Retry(max=1)
    )
    stage.heard("begun broken", times=2)
    stage.is_free("broken")


def test_a_ticket_that_has_run_out(stage: Stage, queue: Queue, jobs: Any) -> None:
    for function in (jobs.job, jobs.relocking):
        kind = f"late:{function.__name__}"
        ticket = stage.client.mutex(kind).acquire(ttl=0.1).detach().encode()
        time.sleep(0.3)
        queue.enqueue(function, kind, meta={"quorlock_ticket": ticket})
    stage.heard("begun late:relocking adopted=False")
    time.sleep(0.5)
    assert not [word for word in stage.told() if "late:job" in word]


def test_a_loss_is_told_to_the_job(stage: Stage, queue: Queue, jobs: Any) -> None:
    enqueue_locked(queue, stage.client, "robbed", jobs.job, "robbed", ticket_ttl=60)
    stage.heard("lost robbed majority")


def test_a_job_without_a_lock_is_any_job(stage: Stage, queue: Queue, jobs: Any) -> None:
    queue.enqueue(jobs.plain)
    stage.heard("plain")
