"""One run: all orders through all processes, with or without locks."""

from __future__ import annotations

import queue
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from crew import TTL_MS, WORKERS, Crew, CrewError
from faults import Faults, drills
from journal import Journal
from orders import Order
from progress import Progress
from report import Outcome
from sender import Sender
from servers import Servers

# Longer than any payment has to wait for its redelivery: after that the rest is lost.
DRAIN_SECONDS = 25.0
# Long enough for every redelivery under way, which could charge a second time.
SETTLE_SECONDS = 4.0
RESTART_SECONDS = 2.0
FREEZE_SECONDS = 2.5 * TTL_MS / 1000
COUNT_SECONDS = 0.5

STORIES = {
    "twice": "delivered twice on purpose, through two queues at once",
    "stand-still": "its worker was killed in the middle of the payment",
    "freeze": "its worker was stopped for longer than the ttl in the middle of the payment",
    "block": "its worker's event loop was blocked for three times the ttl",
}


SAID = {
    "refused": "got it and was refused",
    "afresh": "locked it afresh",
    "charged": "charged it",
    "lost": "had lost the lock, noticed by",
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
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._next_count = self._last_charge = 0.0
        self._charged = 0

    def run(self) -> Run:
        """To the last payment, or until waiting for it makes no sense any more."""
        self._journal.begun = time.time()
        self._sender.start()
        try:
            self._until(lambda: self._sender.is_done)
            self._until(self._is_drained)
            settled = time.monotonic() + SETTLE_SECONDS
            self._until(lambda: time.monotonic() > settled)
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

    def _is_drained(self) -> bool:
        """Whether all is charged, or nothing comes any more; by the ledger's count.

        A worker that is killed may have charged without telling.
        """
        now = time.monotonic()
        if now < self._next_count:
            return False
        self._next_count = now + COUNT_SECONDS
        charged = self._unique & self._crew.charges().keys()
        if len(charged) > self._charged:
            self._charged, self._last_charge = len(charged), now
        return charged == self._unique or now > self._last_charge + DRAIN_SECONDS

    def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._step()

    def _step(self) -> None:
        try:
            worker, told = self._crew.news.get(timeout=0.02)
            self._learn(worker, told)
        except queue.Empty:
            pass
        self._faults.act()
        while self._later and time.monotonic() >= self._later[0][0]:
            self._later.pop(0)[1]()
        self._crew.check()
        self._progress.show(self._journal, self._sender, self._servers.locks)

    def _learn(self, worker: str, told: dict) -> None:
        self._journal.learn(worker, told)
        order = told.get("o", "")
        if told["e"] == "standing" and self._drills[order] == "freeze":
            self._freeze(worker, order)
        elif told["e"] == "standing":
            self._kill(worker, order)
        elif told["e"] == "blocking":
            what = f"blocked its event loop for {told['ms'] / 1000:.0f} s in payment {order}"
            self._journal.happened(f"{worker} {what} (ttl {TTL_MS / 1000:.0f} s)")
        elif order in self._drills and told["e"] in SAID:
            reason = told.get("why") or told.get("how")
            said = f"{SAID[told['e']]}: {reason}" if reason else SAID[told["e"]]
            self._journal.happened(f"payment {order}: {worker} {said}", is_fault=False)

    def _kill(self, worker: str, order: str) -> None:
        self._crew.workers[worker].kill()
        self._journal.died(worker)
        self._journal.happened(f"{worker} was killed in the middle of payment {order}")

        def start() -> None:
            self._crew.workers[worker].start()
            self._journal.happened(f"{worker} was started again", is_fault=False)

        self._do_after(RESTART_SECONDS, start)

    def _freeze(self, worker: str, order: str) -> None:
        self._crew.workers[worker].signal(signal.SIGSTOP)
        what = f"was stopped for {FREEZE_SECONDS:.0f} s in the middle of payment {order}"
        self._journal.happened(f"{worker} {what}")

        def resume() -> None:
            self._crew.workers[worker].signal(signal.SIGCONT)
            self._journal.happened(f"{worker} went on", is_fault=False)

        self._do_after(FREEZE_SECONDS, resume)

    def _do_after(self, seconds: float, deed: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, deed))
        self._later.sort(key=lambda later: later[0])
