"""What is more than a mutex: re-entrance, several resources, semaphores, jobs done once, leaders."""

from __future__ import annotations

import asyncio
import gc
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from quorlock import (
    AsyncClient,
    Client,
    ClientClosedError,
    InvalidArgumentError,
    LeaseLostError,
    LockContendedError,
    LockTimeoutError,
    NotHeldError,
    QuorumUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS = itertools.count()


def nodes() -> list[str]:
    number = next(NUMBERS)
    return [f"memory://nouns-{number}-{node}" for node in range(3)]


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(nodes()) as client:
        yield client


def test_a_lock_is_given_back_with_the_last_guard(client: Client) -> None:
    outer = client.mutex("a").acquire()
    inner = outer.reenter()
    assert inner.fencing_token == outer.fencing_token
    with pytest.raises(InvalidArgumentError) as told:
        outer.detach()
    assert told.value.field == "guard"
    assert inner.release().result == "still_held"
    assert outer.is_held
    assert not inner.is_held
    with pytest.raises(NotHeldError):
        inner.reenter()
    with outer.reenter():
        assert client.mutex("a").try_acquire() is None
    assert outer.release().result == "released"
    assert client.mutex("a").try_acquire() is not None


def test_several_resources_are_one_lock(client: Client) -> None:
    both = client.multi(name for name in ("b", "a"))
    assert both.names == ("b", "a")
    with both as guard:
        assert sorted(guard.resources) == ["a", "b"]
        assert guard.slots == ()
        assert client.mutex("a").try_acquire() is None
        assert client.multi(["c", "b"]).try_acquire() is None
        assert client.mutex("c").try_acquire() is not None
    with both.using(timeout=1, ttl=5) as guard:
        assert guard.is_held
    for names in ([], ["a", "a"], [""], [f"n{number}" for number in range(65)]):
        with pytest.raises(InvalidArgumentError) as told:
            client.multi(names).acquire()
        assert told.value.field in ("names", "names[0]"), names
    wrong: Any
    for wrong in ("abc", 7, [7], None):
        with pytest.raises(InvalidArgumentError) as told:
            client.multi(wrong)
        assert told.value.field == "names", wrong


def test_a_semaphore_has_so_many_permits(client: Client) -> None:
    printers = client.semaphore("printers", 3)
    assert (printers.name, printers.permits) == ("printers", 3)
    two = printers.acquire(permits=2)
    assert len(two.slots) == 2
    with printers as one:
        assert len({*one.slots, *two.slots}) == 3
        assert printers.try_acquire() is None
        with pytest.raises(LockContendedError):
            printers.acquire(timeout=0)
    assert printers.try_acquire(permits=2) is None
    two.release()
    with printers.using(permits=3, timeout=1) as all_of_them:
        assert sorted(all_of_them.slots) == [0, 1, 2]
    wrong: Any
    for wrong in (0, 4, -1, 1.5, True, 2**40):
        with pytest.raises(InvalidArgumentError) as told:
            printers.acquire(permits=wrong)
        assert told.value.field == "permits", wrong
    for wrong in (0, 1001):
        with pytest.raises(InvalidArgumentError) as told:
            client.semaphore("printers", wrong).acquire()
        assert told.value.field == "permits", wrong


def test_never_more_threads_than_permits(client: Client) -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with client.semaphore("s", 2).using(timeout=30):
                with lock:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.002)
                with lock:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_a_job_is_done_once(client: Client) -> None:
    job = client.once("job", 3600)
    assert (job.name, job.retention) == ("job", 3600)
    assert not job.is_done()
    with pytest.raises(ZeroDivisionError), job.begin() or pytest.fail("done") as guard:
        assert guard.is_once
        raise ZeroDivisionError
    guard = job.begin(timeout=5) or pytest.fail("done, though the work failed")
    with pytest.raises(LockContendedError):
        job.begin(timeout=0)
    guard.abandon()
    with job.begin(timeout=5) or pytest.fail("done, though it was abandoned"):
        pass
    assert job.begin() is None
    assert job.is_done()
    late = client.once("late", 3600).begin(ttl=0.05, renew=False) or pytest.fail("done")
    time.sleep(0.1)
    with pytest.raises(LeaseLostError):
        late.complete()
    (client.once("in time", 3600).begin() or pytest.fail("done")).complete()
    assert client.once("in time", 3600).is_done()
    with pytest.raises(InvalidArgumentError) as told:
        client.once("job", 0.5).begin()
    assert told.value.field == "once.retention_ms"
    wrong: Any
    for wrong in ("1h", True, None):
        with pytest.raises(InvalidArgumentError) as told:
            client.once("job", wrong)
        assert told.value.field == "once.retention_ms", wrong


def test_a_leader_leads_until_it_resigns(client: Client) -> None:
    heard = []
    election = client.elect("crown", ttl=5)
    assert election.name == "crown"
    tenure = election.won(10, on_lost=lambda guard: heard.append(guard.loss))
    assert election.is_leader
    assert tenure.fencing_token == election.fencing_token
    assert election.trouble is None
    assert "/python/" in (election.leader() or "")
    with client.elect("crown") as other:
        with pytest.raises(LockTimeoutError):
            other.won(timeout=0.02)
        assert election.resign().result == "released"
        assert not election.is_leader
        assert tenure.loss == "resigned"
        with pytest.raises(LeaseLostError):
            tenure.check()
        assert (other.won(10).fencing_token or 0) > (tenure.fencing_token or 0)
    assert other.leader() is None
    with pytest.raises(NotHeldError):
        election.won()
    by = time.monotonic() + 10
    while not heard and time.monotonic() < by:
        time.sleep(0.005)
    assert heard == ["resigned"]
    wrong: Any
    for wrong, field in ((0, "acquire.ttl_ms"), ("5", "acquire.ttl_ms")):
        with pytest.raises(InvalidArgumentError) as told:
            client.elect("crown", ttl=wrong)
        assert told.value.field == field
    with pytest.raises(InvalidArgumentError) as told:
        client.elect("")
    assert told.value.field == "name"


def test_a_forgotten_election_hands_over(client: Client) -> None:
    election = client.elect("crown")
    election.won(10)
    del election
    gc.collect()
    client.elect("crown").won(10)
    client.close()
    with pytest.raises(ClientClosedError):
        client.elect("crown")


def test_a_candidate_tells_its_trouble() -> None:
    with Client(["redis://127.0.0.1:9"], timeout=0) as client, client.elect("crown") as election:
        by = time.monotonic() + 20
        while election.trouble is None and time.monotonic() < by:
            time.sleep(0.01)
        assert isinstance(election.trouble, QuorumUnavailableError)
        with pytest.raises(QuorumUnavailableError):
            election.leader()


def test_event_loops_have_it_all() -> None:
    async def main() -> None:
        async with AsyncClient(nodes()) as client:
            async with client.mutex("a").using() as outer:
                inner = outer.reenter()
                assert (await inner.release()).result == "still_held"
                assert outer.is_held
            async with client.multi(["a", "b"]) as both:
                assert sorted(both.resources) == ["a", "b"]
                assert await client.mutex("b").try_acquire() is None
            async with client.multi(["a", "b"]).using(timeout=1):
                assert await client.multi(["b"]).try_acquire() is None
            printers = client.semaphore("printers", 2)
            async with printers, printers.using(permits=1) as guard:
                assert len(guard.slots) == 1
                assert await printers.try_acquire() is None
            both = await printers.acquire(permits=2)
            await both.release()
            job = client.once("job", 3600)
            with pytest.raises(ZeroDivisionError):
                async with await job.begin() or pytest.fail("done"):
                    raise ZeroDivisionError
            async with await job.begin(timeout=5) or pytest.fail("done"):
                assert not await job.is_done()
            assert await job.begin() is None
            assert await job.is_done()
            async with client.elect("crown") as election:
                tenure = await election.won(timeout=10)
                assert election.is_leader
                assert tenure.fencing_token == election.fencing_token
                assert "/python/" in (await election.leader() or "")
                waiting = asyncio.ensure_future(tenure.lost.wait(10))
                await asyncio.sleep(0)
            assert await waiting
            assert tenure.loss == "resigned"

    asyncio.run(main())
