"""arq, with one worker."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from arq.connections import RedisSettings, create_pool
from quorlock import AsyncClient
from quorlock.integrations.arq import enqueue_locked

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Stage

# What the queue itself warns of is not ours.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def stage(stage_of: Callable[[], Stage]) -> Stage:
    stage = stage_of()
    stage.worker("arq", "arq_app.WorkerSettings")
    return stage


def enqueue(stage: Stage, kind: str, function: str = "job", ttl: float = 60, **options: Any) -> bool:
    """Whether a job was enqueued."""

    async def main() -> bool:
        pool = await create_pool(RedisSettings.from_dsn(stage.broker))
        async with AsyncClient(stage.nodes.urls, ttl=1.5) as client:
            job = await enqueue_locked(pool, client, kind, function, kind, ticket_ttl=ttl, **options)
        await pool.aclose()
        return job is not None

    return asyncio.run(main())


def deliver(stage: Stage, ticket: str, kind: str, function: str = "job") -> None:
    async def main() -> None:
        pool = await create_pool(RedisSettings.from_dsn(stage.broker))
        await pool.enqueue_job(function, kind, quorlock_ticket=ticket)
        await pool.aclose()

    asyncio.run(main())


def test_a_job_comes_with_its_lock(stage: Stage) -> None:
    assert enqueue(stage, "slow")
    assert not enqueue(stage, "slow")
    stage.heard("begun slow adopted=True")
    assert not enqueue(stage, "slow")
    stage.heard("done slow")
    stage.is_free("slow")
    assert len(stage.heard("begun slow")) == 1


def test_a_job_that_arq_knows_gives_the_lock_back(stage: Stage) -> None:
    assert enqueue(stage, "known", _job_id="known", _defer_by=60)
    assert not enqueue(stage, "known:other", _job_id="known")
    stage.is_free("known:other")


def test_delivered_twice_it_runs_once(stage: Stage) -> None:
    ticket = stage.client.mutex("twice").acquire().detach(60).encode()
    for _ in range(3):
        deliver(stage, ticket, "slow:twice")
    stage.heard("done slow:twice")
    stage.is_free("twice")
    time.sleep(1.5)
    assert len(stage.heard("begun slow:twice")) == 1


def test_the_lock_is_kept_for_the_next_try(stage: Stage) -> None:
    enqueue(stage, "flaky")
    stage.heard("done flaky")
    assert len(stage.heard("begun flaky adopted=True", times=2)) == 2
    stage.is_free("flaky")


def test_a_job_that_fails_for_good_gives_the_lock_back(stage: Stage) -> None:
    enqueue(stage, "broken", ttl=600)
    stage.heard("begun broken")
    stage.is_free("broken")


def test_a_ticket_that_has_run_out(stage: Stage) -> None:
    for function in ("job", "relocking"):
        kind = f"late:{function}"
        ticket = stage.client.mutex(kind).acquire(ttl=0.1).detach().encode()
        time.sleep(0.3)
        deliver(stage, ticket, kind, function)
    stage.heard("begun late:relocking adopted=False")
    time.sleep(0.5)
    assert not [word for word in stage.told() if "late:job" in word]


def test_a_loss_is_told_to_the_job(stage: Stage) -> None:
    enqueue(stage, "robbed")
    stage.heard("lost robbed majority")


def test_a_job_without_a_lock_is_any_job(stage: Stage) -> None:
    async def main() -> None:
        pool = await create_pool(RedisSettings.from_dsn(stage.broker))
        await pool.enqueue_job("plain")
        await pool.aclose()

    asyncio.run(main())
    stage.heard("plain")
