"""The processes of one run: ledger, publisher, and the workers in three languages."""

from __future__ import annotations

import http.client
import json
import queue
import secrets
import time
from pathlib import Path

from process import Process
from servers import Servers

TTL_MS = 2_000
TICKET_TTL_MS = 5_000
START_SECONDS = 60.0
WORKERS = ["nestjs-1", "nestjs-2", "python-1", "python-2", "c-1"]


class CrewError(RuntimeError):
    """A process does not do what it should; says which, and what it complained of."""


class Crew:
    """Started in one go, and ended in one."""

    def __init__(
        self, root: Path, python: str, folder: Path, servers: Servers, ledger: str, locks: bool
    ) -> None:
        self.news: queue.Queue[tuple[str, dict]] = queue.Queue()
        self.publisher_port = 0
        self._ledger_port = 0
        here = root / "examples/payments"
        run = secrets.token_hex(4)
        folder.mkdir(parents=True, exist_ok=True)
        self._env = {
            "QUORLOCK_NODES": ",".join(servers.node_urls),
            "PAYMENTS_QUEUE": servers.queue_url,
            # Names of this run: on servers that are given it meets nobody's jobs and locks.
            "PAYMENTS_QUEUE_NAME": f"quorlock-demo-{run}",
            "PAYMENTS_STREAM": f"quorlock-demo-{run}:stream",
            "QUORLOCK_KEY_PREFIX": f"quorlock-demo-{run}:",
            "PAYMENTS_LOCKS": "on" if locks else "off",
            "PAYMENTS_TTL_MS": str(TTL_MS),
            "PAYMENTS_TICKET_TTL_MS": str(TICKET_TTL_MS),
        }
        commands = {
            "nestjs": ["node", str(here / "nestjs/dist/processor.js")],
            "python": [python, str(here / "python/worker.py")],
            "c": [str(root / "target/payments/settlement")],
        }
        publisher = ["node", str(here / "nestjs/dist/publisher.js")]
        ledger_command = [python, str(here / "demo/ledger.py"), ledger]
        self._folder = folder
        self.ledger = self._process("ledger", ledger_command)
        self.publisher = self._process("publisher", publisher)
        self.workers = {name: self._process(name, commands[name.split("-")[0]]) for name in WORKERS}

    def _process(self, name: str, command: list[str]) -> Process:
        env = self._env | {"PAYMENTS_WORKER": name}
        return Process(name, command, self._folder / f"{name}.log", self.news, env)

    def start(self) -> None:
        """Starts all, and waits until all are ready."""
        self._start([self.ledger])
        for process in (self.publisher, *self.workers.values()):
            process.add_env({"PAYMENTS_LEDGER": f"127.0.0.1:{self._ledger_port}"})
        # The publisher first: it makes the stream that the workers read from.
        self._start([self.publisher])
        self._start(list(self.workers.values()))

    def _start(self, processes: list[Process]) -> None:
        for process in processes:
            process.start()
        missing = {process.name: process for process in processes}
        until = time.monotonic() + START_SECONDS
        while missing:
            for process in missing.values():
                if not process.is_running or time.monotonic() > until:
                    raise CrewError(f"{process.name} does not start:\n{process.complaint()}")
            try:
                name, told = self.news.get(timeout=0.1)
            except queue.Empty:
                continue
            if told["e"] == "ready":
                missing.pop(name, None)
                if name == "ledger":
                    self._ledger_port = told["port"]
                if name == "publisher":
                    self.publisher_port = told["port"]

    def charges(self) -> dict[str, int]:
        """What the ledger has booked."""
        connection = http.client.HTTPConnection("127.0.0.1", self._ledger_port, timeout=10)
        connection.request("GET", "/charges")
        booked = json.loads(connection.getresponse().read())
        connection.close()
        return booked

    def check(self) -> None:
        """An error where a process has ended that nobody killed."""
        for process in (self.ledger, self.publisher, *self.workers.values()):
            if not process.is_running and not process.killed:
                raise CrewError(f"{process.name} ended:\n{process.complaint()}")

    def close(self) -> None:
        """Ends all: first those who work, then the publisher, which clears the queues, then the ledger."""
        workers = list(self.workers.values())
        for process in workers:
            process.ask_to_end()
        for process in [*workers, self.publisher, self.ledger]:
            process.close()
