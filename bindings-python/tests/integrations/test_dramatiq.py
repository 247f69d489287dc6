"""Dramatiq, with a worker process of two threads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Stage

# What the queue itself warns of is not ours.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def stage(stage_of: Callable[[], Stage]) -> Stage:
    stage = stage_of()
    stage.worker("dramatiq", "dramatiq_app", "--processes", "1", "--threads", "3")
    return stage


@pytest.fixture
def send(stage: Stage) -> Any:
    import dramatiq_app
    from quorlock.integrations.dramatiq import send_locked

    def send(kind: str, ttl: float = 60) -> Any:
        return send_locked(stage.client, kind, dramatiq_app.job.message(kind), ticket_ttl=ttl)

    return send


def again(ticket: str, kind: str) -> None:
    """Delivers a ticket in a message of its own."""
    import dramatiq_app

    message = dramatiq_app.job.message(kind)
    dramatiq_app.broker.enqueue(message.copy(options={"quorlock_ticket": ticket}))


def test_a_message_comes_with_its_lock(stage: Stage, send: Any) -> None:
    assert send("slow") is not None
    assert send("slow") is None
    stage.heard("begun slow adopted=True")
    assert send("slow") is None
    stage.heard("done slow")
    stage.is_free("slow")
    assert len(stage.heard("begun slow")) == 1


def test_delivered_twice_it_runs_once(stage: Stage, send: Any) -> None:
    ticket = stage.client.mutex("twice").acquire().detach(60).encode()
    for _ in range(3):
        again(ticket, "slow:twice")
    stage.heard("done slow:twice")
    stage.is_free("twice")
    time.sleep(1.5)
    assert len(stage.heard("begun slow:twice")) == 1


def test_the_lock_is_kept_for_the_next_try(stage: Stage, send: Any) -> None:
    send("flaky")
    stage.heard("done flaky")
    assert len(stage.heard("begun flaky adopted=True", times=2)) == 2
    stage.is_free("flaky")


def test_a_message_that_fails_for_good_gives_the_lock_back(stage: Stage, send: Any) -> None:
    send("broken")
    stage.heard("begun broken", times=3)
    stage.is_free("broken")


def test_a_ticket_that_has_run_out_is_locked_afresh(stage: Stage, send: Any) -> None:
    ticket = stage.client.mutex("late").acquire(ttl=0.1).detach().encode()
    time.sleep(0.3)
    again(ticket, "late")
    stage.heard("begun late adopted=False")
    stage.heard("done late")


def test_a_loss_is_told_to_the_actor(stage: Stage, send: Any) -> None:
    send("robbed")
    stage.heard("lost robbed majority")


def test_a_message_that_is_no_ticket_does_not_run(stage: Stage, send: Any) -> None:
    again("qlt1:no ticket", "unlocked")
    import dramatiq_app

    dramatiq_app.plain.send()
    stage.heard("plain")
    time.sleep(0.5)
    assert not [word for word in stage.told() if "unlocked" in word]
