"""The client of threads."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from quorlock import (
    Client,
    ClientClosedError,
    Event,
    Guard,
    LeaseLostError,
    LockContendedError,
    LockTimeoutError,
    NotHeldError,
    QuorumUnavailableError,
    Ticket,
)

if TYPE_CHECKING:
    from servers import Servers


def test_one_holder_at_a_time_on_real_servers(five: Servers, name: str) -> None:
    client = Client(five.urls)
    other = Client(five.urls)
    with client.mutex(name) as guard:
        assert guard.is_held
        assert guard.resource == name
        assert 0 < guard.remaining <= 10
        assert five.keys_of(name) >= 3
        assert other.mutex(name).try_acquire() is None
        with pytest.raises(LockContendedError):
            other.mutex(name).acquire(timeout=0)
        with pytest.raises(LockTimeoutError) as timeout:
            other.mutex(name).acquire(timeout=timedelta(milliseconds=100))
        assert timeout.value.resource == name
        assert timeout.value.attempts >= 1
        assert len(timeout.value.outcomes) == 5
    assert not guard.is_held
    again = other.mutex(name).try_acquire()
    assert again is not None
    assert again.fencing_token is not None
    assert guard.fencing_token is not None
    assert again.fencing_token > guard.fencing_token
    assert again.release().result == "released"
    five.wait_gone(name)
    assert client.close()
    assert other.close()


def test_waiters_are_woken_in_order(client: Client) -> None:
    order: list[int] = []
    guard = client.mutex("line").acquire()

    def wait(number: int) -> None:
        with client.mutex("line"):
            order.append(number)

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
        time.sleep(0.1)
    guard.release()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_one_mutex_object_serves_many_threads(client: Client) -> None:
    mutex = client.mutex("shared")
    inside = 0
    most = 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with mutex:
                inside += 1
                most = max(most, inside)
                time.sleep(0.001)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert client.stats().acquired == 20


def test_a_guard_releases_itself_when_nobody_has_it_any_more(client: Client) -> None:
    client.mutex("forgotten").acquire()
    client.mutex("forgotten").acquire(timeout=5).release()


def test_release_tells_the_same_each_time(client: Client) -> None:
    guard = client.mutex("twice").acquire()
    assert guard.release() == guard.release()
    assert guard.release().result == "released"
    with pytest.raises(NotHeldError):
        guard.check()
    with pytest.raises(NotHeldError):
        guard.extend()


def test_a_lock_changes_hands_by_a_ticket(client: Client) -> None:
    guard = client.mutex("job").acquire()
    with guard:
        ticket = guard.detach(ttl=30)
        with pytest.raises(NotHeldError):
            guard.release()
    assert ticket.ttl == 30
    assert client.mutex("job").try_acquire() is None
    with client.adopt(Ticket.decode(ticket.encode())) as adopted:
        assert adopted.is_adopted
        assert adopted.fencing_token is not None
        assert ticket.fencing_token is not None
        assert adopted.fencing_token > ticket.fencing_token
        with pytest.raises(NotHeldError):
            client.adopt(ticket)
    with pytest.raises(NotHeldError):
        client.adopt(ticket)


def test_a_loss_is_told_once_and_raised_at_the_end_of_the_block(client: Client) -> None:
    told: list[Guard] = []
    heard = threading.Event()

    def on_lost(guard: Guard) -> None:
        told.append(guard)
        heard.set()

    with (
        pytest.raises(LeaseLostError) as lost,
        client.mutex("short").using(ttl=0.1, hold_max=0.2, on_lost=on_lost) as guard,
    ):
        assert guard.lost.wait(10)
        assert heard.wait(10)
        with pytest.raises(LeaseLostError):
            guard.check()
    assert lost.value.resource == "short"
    assert told == [guard]
    assert guard.loss == guard.lost.reason == "hold_limit"
    assert guard.lost.is_set()


def test_an_exception_of_the_block_is_not_hidden_by_a_loss(client: Client) -> None:
    with pytest.raises(KeyError), client.mutex("a").using(ttl=0.05, hold_max=0.05) as guard:
        guard.lost.wait(10)
        raise KeyError


def test_waiting_for_a_loss_ends_with_the_release(client: Client) -> None:
    guard = client.mutex("a").acquire()
    assert not guard.lost.wait(0.05)
    threading.Timer(0.1, guard.release).start()
    assert not guard.lost.wait(10)
    assert guard.loss is None


def test_events_come_on_a_thread_of_their_own(memory: list[str]) -> None:
    events: list[Event] = []
    threads: set[str] = set()
    released = threading.Event()

    def on_event(event: Event) -> None:
        events.append(event)
        threads.add(threading.current_thread().name)
        if event.kind == "released":
            released.set()

    with Client(memory, on_event=on_event) as client:
        with client.mutex("a"):
            client.mutex("a").try_acquire()
        assert released.wait(10)
    assert [event.kind for event in events] == ["acquired", "contended", "released"]
    assert threads == {"quorlock-callbacks"}


def test_a_callback_that_raises_harms_nobody(
    memory: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    heard = threading.Event()

    def on_event(event: Event) -> None:
        heard.set()
        raise RuntimeError(event.kind)

    with Client(memory, on_event=on_event) as client:
        for _ in range(3):
            with client.mutex("a"):
                pass
            assert heard.wait(10)
            heard.clear()
    assert "a callback raised" in caplog.text


def test_too_few_nodes_is_not_contention(five: Servers, name: str) -> None:
    dead = ["redis://127.0.0.1:1", "redis://127.0.0.1:2"]
    with Client([*dead, five.urls[0]]) as client:
        with pytest.raises(QuorumUnavailableError) as error:
            client.mutex(name).acquire(timeout=1)
        assert isinstance(error.value, ConnectionError)
        faulted = [one for one in error.value.outcomes if one.fault is not None]
        assert len(faulted) == 2
        assert not client.health().has_quorum


def test_a_closed_client_says_so(client: Client) -> None:
    guard = client.mutex("a").acquire()
    assert client.close()
    assert not guard.is_held
    with pytest.raises(ClientClosedError):
        client.mutex("a").acquire()
    with pytest.raises(ClientClosedError):
        client.stats()


def test_health_and_inspect_are_read_only(five: Servers, name: str) -> None:
    with Client(five.urls, owner="me") as client, client.mutex(name):
        view = client.inspect(name)
        assert view.holder is not None
        assert view.holder.endswith("/python/me")
        assert sum(node.owner is not None for node in view.nodes) >= view.quorum == 3
        health = client.health()
        assert health.has_quorum
        assert {node.server for node in health.nodes} == {"valkey"}
        assert {warning.name for warning in health.warnings} == {"no_persistence"}


def test_a_block_that_failed_leaves_the_ticket_to_a_redelivery(client: Client) -> None:
    ticket = client.mutex("failed-block").acquire().detach()
    with pytest.raises(ZeroDivisionError), client.adopt(ticket):
        raise ZeroDivisionError
    # The lock is free, and nobody is told that the work is done.
    with client.mutex("failed-block").acquire(timeout=5), pytest.raises(NotHeldError) as refused:
        client.adopt(ticket)
    assert all(outcome.status != "spent" for outcome in refused.value.outcomes)
