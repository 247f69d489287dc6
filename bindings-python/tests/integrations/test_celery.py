"""Celery, with workers that fork and with workers that are threads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Stage

# What the queue itself warns of is not ours.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module", params=["prefork", "threads"])
def stage(request: pytest.FixtureRequest, stage_of: Callable[[], Stage]) -> Iterator[Stage]:
    stage = stage_of()
    stage.worker(
        *("celery", "-A", "celery_app", "worker", "--pool", request.param, "-c", "3"),
        *("--without-gossip", "--without-mingle", "--loglevel", "WARNING"),
    )
    yield stage
    stage.close()
    stage._redis.flushall()
    stage._workers.clear()


@pytest.fixture
def app(stage: Stage) -> Any:
    import celery_app

    return celery_app


def test_a_task_comes_with_its_lock(stage: Stage, app: Any) -> None:
    assert app.job.lock_and_apply("slow", args=("slow",), ticket_ttl=60) is not None
    # Scheduled already: before it runs, and while it runs for longer than the ttl.
    assert app.job.lock_and_apply("slow", args=("slow",)) is None
    stage.heard("begun slow adopted=True")
    assert app.job.lock_and_apply("slow", args=("slow",)) is None
    stage.heard("done slow")
    stage.is_free("slow")
    assert len(stage.heard("begun slow")) == 1


def test_delivered_twice_it_runs_once(stage: Stage, app: Any) -> None:
    headers: dict[str, Any] = {}
    guard = stage.client.mutex("twice").acquire()
    headers["quorlock_ticket"] = guard.detach(60).encode()
    for _ in range(3):
        app.job.apply_async(("slow:twice",), headers=headers)
    stage.heard("done slow:twice")
    stage.is_free("twice")
    # The others find the work done, whenever they look.
    time.sleep(1.5)
    assert len(stage.heard("begun slow:twice")) == 1


@pytest.mark.parametrize("task", ["job", "relocking"])
def test_the_lock_is_kept_for_the_next_try(task: str, stage: Stage, app: Any) -> None:
    kind = f"flaky:{task}"
    getattr(app, task).lock_and_apply(kind, args=(kind,), ticket_ttl=60)
    stage.heard(f"done {kind}")
    begun = stage.heard(f"begun {kind} adopted=True", times=2)
    tokens = [int(word.rsplit("=", 1)[1]) for word in begun]
    assert tokens == sorted(set(tokens))
    stage.is_free(kind)


def test_a_task_that_fails_for_good_gives_the_lock_back(stage: Stage, app: Any) -> None:
    app.job.lock_and_apply("broken", args=("broken",), ticket_ttl=600)
    stage.heard("begun broken")
    stage.is_free("broken")


def test_a_ticket_that_has_run_out(stage: Stage, app: Any) -> None:
    for task in (app.job, app.relocking):
        kind = f"late:{task.name}"
        guard = stage.client.mutex(kind).acquire(ttl=0.1)
        headers = {"quorlock_ticket": guard.detach().encode()}
        time.sleep(0.3)
        task.apply_async((kind,), headers=headers)
    stage.heard("done late:celery_app.relocking")
    stage.heard("begun late:celery_app.relocking adopted=False")
    time.sleep(0.5)
    assert not [word for word in stage.told() if "late:celery_app.job" in word]


def test_a_loss_is_told_to_the_task(stage: Stage, app: Any) -> None:
    app.job.lock_and_apply("robbed", args=("robbed",), ticket_ttl=60)
    stage.heard("lost robbed majority")


def test_a_task_without_a_lock_is_any_task(stage: Stage, app: Any) -> None:
    app.plain.delay()
    stage.heard("plain")
