"""Other Python libraries on the same key: they and Quorlock exclude each other, both ways."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import pottery
import pytest
import redis
from quorlock import Client, LockTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers import Servers

    Holds = Callable[[], AbstractContextManager[object]]


class RedisPy:
    """redis-py's Lock: one node, the key as it is named."""

    def __init__(self, servers: Servers, name: str) -> None:
        self.urls = servers.urls[:1]
        self.key = name
        self._redis = redis.Redis.from_url(self.urls[0])
        self._name = name

    def lock(self) -> Any:
        return self._redis.lock(self._name, timeout=10, sleep=0.005)

    def try_acquire(self) -> bool:
        return bool(self.lock().acquire(blocking=False))


class Pottery:
    """pottery's Redlock: five nodes, the key behind `redlock:`."""

    def __init__(self, servers: Servers, name: str) -> None:
        self.urls = servers.urls
        self.key = f"redlock:{name}"
        self._masters = {redis.Redis.from_url(url) for url in self.urls}
        self._name = name

    def lock(self) -> Any:
        return pottery.Redlock(key=self._name, masters=self._masters, auto_release_time=10)

    def try_acquire(self) -> bool:
        return bool(self.lock().acquire(blocking=False))


@pytest.fixture(params=[RedisPy, Pottery], ids=["redis-py", "pottery"])
def peer(request: pytest.FixtureRequest, five: Servers, name: str) -> Any:
    return request.param(five, name.replace("[", ":").replace("]", ":"))


pytestmark = pytest.mark.filterwarnings("default")


def test_what_the_peer_holds_is_held(peer: Any) -> None:
    client = Client(peer.urls)
    with peer.lock():
        assert client.mutex(peer.key).try_acquire() is None
        with pytest.raises(LockTimeoutError) as error:
            client.mutex(peer.key).acquire(timeout=0.1)
        assert any(outcome.is_foreign for outcome in error.value.outcomes)
        assert client.inspect(peer.key).holder == "foreign"
    # Nobody calls when the peer releases: the waiter looks for itself.
    assert client.mutex(peer.key).acquire(timeout=20).release().result == "released"


def test_what_we_hold_the_peer_cannot_take_or_give_back(peer: Any) -> None:
    client = Client(peer.urls)
    with client.mutex(peer.key).using(ttl=1.5) as guard:
        assert not peer.try_acquire()
        # Renewed, it stays so.
        time.sleep(3)
        assert not peer.try_acquire()
        guard.check()
    assert peer.try_acquire()


def test_a_waiter_of_ours_comes_through_when_the_peer_dies(peer: Any) -> None:
    client = Client(peer.urls)
    lock = peer.lock()
    assert lock.acquire()
    redis_keys = [redis.Redis.from_url(url) for url in peer.urls]
    for one in redis_keys:
        # As the ttl would, a little later.
        one.pexpire(peer.key, 300)
    with client.mutex(peer.key).using(timeout=20) as guard:
        assert guard.is_held


def test_together_one_at_a_time(peer: Any) -> None:
    """Threads of both take turns on one key, and nobody is ever inside beside another."""
    inside = 0
    most = 0
    turns = {"ours": 0, "theirs": 0}
    until = time.monotonic() + 4

    @contextmanager
    def counted(who: str) -> Iterator[None]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.002)
        turns[who] += 1
        inside -= 1
        yield

    def work(who: str, hold: Holds) -> None:
        while time.monotonic() < until:
            with hold(), counted(who):
                pass
            # Room for the other side, which polls.
            time.sleep(0.02)

    client = Client(peer.urls)
    workers = [
        *((("ours"), lambda: client.mutex(peer.key).using(timeout=60)) for _ in range(3)),
        *((("theirs"), peer.lock) for _ in range(3)),
    ]
    threads = [threading.Thread(target=work, args=worker) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert turns["ours"] > 0
    assert turns["theirs"] > 0
