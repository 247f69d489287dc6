"""One run: all orders through all processes, with or without locks."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass

from crew import TTL_MS, WORKERS, Crew, CrewError
from faults import Faults, drills
from journal import Journal
from orders import Order
from progress import Progress
from report import Outcome
from sender import Sender
from servers import Servers

# A payment that still waits for its redelivery so long after the last order is lost.
DRAIN_SECONDS = 30.0
# Long enough for every redelivery under way, which could charge a second time.
SETTLE_SECONDS = 4.0
RESTART_SECONDS = 2.0
COUNT_SECONDS = 0.5

STORIES = {
    "twice": "delivered twice on purpose, through two queues at once",
    "stand-still": "its worker was killed in the middle of the payment",
    "block": "its worker's event loop was blocked for three times the ttl",
}


@dataclass
class Run:
    """What came of a run."""

    outcome: Outcome
    journal: Journal
    stories: dict[str, str]
    retried: int


class Runner:
    """Runs the orders once."""

    def __init__(self, title: str, orders: list[Order], pace: float, crew: Crew, servers: Servers) -> None:
        self._orders, self._crew, self._servers = orders, crew, servers
        span_seconds = orders[-1].at_ms / 1000 / pace
        self._drills = drills(orders, orders[-1].at_ms)
        self._journal = Journal()
        self._faults = Faults(servers.locks, span_seconds, self._journal)
        self._sender = Sender(orders, crew.publisher_port, pace, lambda order: self._drills.get(order.id))
        self._unique = {order.id for order in orders}
        self._progress = Progress(title, len(orders), len(self._unique), WORKERS)
        self._restarts: list[tuple[float, str]] = []
        self._next_count = 0.0

    def run(self) -> Run:
        """To the last payment, or until waiting for it makes no sense any more."""
        self._journal.begun = time.time()
        self._sender.start()
        try:
            self._until(lambda: self._sender.is_done, None)
            self._until(self._is_all_charged, DRAIN_SECONDS)
            settled = time.monotonic() + SETTLE_SECONDS
            self._until(lambda: time.monotonic() > settled, None)
        finally:
            self._sender.stop()
        self._progress.show(self._journal, self._sender, self._servers.locks, last=True)
        if self._sender.given_up:
            raise CrewError(
                f"the publisher took {self._sender.given_up} orders not: {self._sender.last_error}"
            )
        outcome = Outcome(self._orders, self._crew.charges())
        stories = {order: STORIES[drill] for order, drill in self._drills.items()}
        return Run(outcome, self._journal, stories, self._sender.retried)

    def _is_all_charged(self) -> bool:
        """By the ledger: a worker that is killed may have charged without telling."""
        if time.monotonic() < self._next_count:
            return False
        self._next_count = time.monotonic() + COUNT_SECONDS
        return self._unique <= self._crew.charges().keys()

    def _until(self, condition, seconds: float | None) -> None:
        until = None if seconds is None else time.monotonic() + seconds
        while not condition() and (until is None or time.monotonic() < until):
            self._step()

    def _step(self) -> None:
        try:
            worker, told = self._crew.news.get(timeout=0.02)
            self._learn(worker, told)
        except queue.Empty:
            pass
        self._faults.act()
        while self._restarts and time.monotonic() >= self._restarts[0][0]:
            name = self._restarts.pop(0)[1]
            self._crew.workers[name].start()
            self._journal.happened(f"{name} was started again", is_fault=False)
        self._crew.check()
        self._progress.show(self._journal, self._sender, self._servers.locks)

    def _learn(self, worker: str, told: dict) -> None:
        self._journal.learn(worker, told)
        order = told.get("o", "")
        if told["e"] == "standing":
            self._crew.workers[worker].kill()
            self._journal.died(worker)
            self._journal.happened(f"{worker} was killed in the middle of payment {order}")
            self._restarts.append((time.monotonic() + RESTART_SECONDS, worker))
        elif told["e"] == "blocking":
            what = f"blocked its event loop for {told['ms'] / 1000:.0f} s in payment {order}"
            self._journal.happened(f"{worker} {what} (ttl {TTL_MS / 1000:.0f} s)")
        elif order in self._drills and told["e"] in ("refused", "afresh", "charged"):
            what = {
                "refused": "got it and was refused",
                "afresh": "locked it afresh",
                "charged": "charged it",
            }
            reason = f": {told['why']}" if "why" in told else ""
            self._journal.happened(f"payment {order}: {worker} {what[told['e']]}{reason}", is_fault=False)
