"""A broker, lock nodes, and workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from quorlock import Client
from servers import Servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent


class Stage:
    """Where one queue's tests play."""

    def __init__(self, broker: Servers, nodes: Servers) -> None:
        self.broker = broker.servers[0].url
        self.nodes = nodes
        self.client = Client(nodes.urls, ttl=1.5)
        self._redis = redis.Redis.from_url(self.broker)
        self._workers: list[subprocess.Popen[bytes]] = []

    def worker(self, *command: str) -> None:
        """Starts a worker with its application beside this file on its path."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(HERE),
            "LOCK_NODES": ",".join(self.nodes.urls),
            "BROKER": self.broker,
        }
        self._workers.append(
            subprocess.Popen([sys.executable, "-m", *command], env=environment, cwd=HERE)
        )

    def told(self) -> list[str]:
        words: list[bytes] = self._redis.lrange("told", 0, -1)  # type: ignore[assignment]
        return [word.decode() for word in words]

    def heard(self, word: str, times: int = 1, within: float = 60) -> list[str]:
        """Waits until `word` was told so many times; everything told that has it."""
        by = time.monotonic() + within
        while len(found := [told for told in self.told() if word in told]) < times:
            assert time.monotonic() < by, f"{word!r} not told {times} times in {self.told()}"
            time.sleep(0.05)
        return found

    def is_free(self, key: str, within: float = 10) -> None:
        """Waits until the lock is free; long before the ttl of any ticket."""
        self.client.mutex(key).acquire(timeout=within).release()

    def close(self) -> None:
        for worker in self._workers:
            worker.send_signal(signal.SIGTERM)
        for worker in self._workers:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        self.client.close()


@pytest.fixture(scope="module")
def stage_of() -> Iterator[Callable[[], Stage]]:
    """Makes a stage with servers of its own."""
    stages: list[Stage] = []
    with Servers(1) as broker, Servers(3) as nodes:

        def stage() -> Stage:
            stages.append(Stage(broker, nodes))
            os.environ["LOCK_NODES"] = ",".join(nodes.urls)
            os.environ["BROKER"] = stages[-1].broker
            return stages[-1]

        yield stage
        for one in stages:
            one.close()
        for module in ("deeds", "celery_app", "dramatiq_app", "rq_app", "arq_app"):
            sys.modules.pop(module, None)


@pytest.fixture(autouse=True, scope="session")
def _path() -> Iterator[None]:
    sys.path.insert(0, str(HERE))
    yield
    sys.path.remove(str(HERE))
