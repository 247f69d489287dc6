"""What the processes told, put together."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass
class Hold:
    """One worker held one order's lock."""

    worker: str
    order: str
    begin: float
    end: float | None = None
    how: str = "adopted"
    """`locked` by the publisher, `adopted` from it, or `afresh`."""
    lost: str | None = None
    """Why it was lost, if it was."""


@dataclass
class Outage:
    """A lock node did not serve."""

    node: str
    begin: float
    end: float | None = None


@dataclass
class Happening:
    """Something that went wrong, or what became of it."""

    at: float
    what: str
    is_fault: bool
    times: int = 1

    def __str__(self) -> str:
        return self.what if self.times == 1 else f"{self.what} ({self.times} times)"


@dataclass
class Journal:
    """Everything that happened in one run; times are seconds since its beginning."""

    begun: float = field(default_factory=time.time)
    counts: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    """Per worker, how often each thing happened."""
    holds: list[Hold] = field(default_factory=list)
    waits_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Per worker, how long each lock took to get."""
    charged: Counter = field(default_factory=Counter)
    """Per order, how often a worker said so; the ledger has the last word."""
    charges: list[tuple[float, str, str]] = field(default_factory=list)
    refusals: Counter = field(default_factory=Counter)
    losses: Counter = field(default_factory=Counter)
    outages: list[Outage] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    _dead: set[str] = field(default_factory=set)
    _held: dict[tuple[str, str], Hold] = field(default_factory=dict)

    def now(self) -> float:
        """Seconds since the beginning."""
        return time.time() - self.begun

    def happened(self, what: str, is_fault: bool = True) -> None:
        """Notes a fault or what became of one; the same again is counted."""
        for happening in self.happenings[-3:]:
            if happening.what == what:
                happening.times += 1
                return
        self.happenings.append(Happening(self.now(), what, is_fault))

    def learn(self, worker: str, told: dict) -> None:
        """Takes in what a worker told."""
        event, order = told["e"], told.get("o", "")
        at = told["t"] / 1000 - self.begun if "t" in told else self.now()
        self.counts[worker][event] += 1
        if event == "ready":
            self._dead.discard(worker)
        elif event in ("locked", "adopted", "afresh"):
            hold = Hold(worker, order, at, how=event)
            self.holds.append(hold)
            self._held[worker, order] = hold
            if worker in self._dead:
                # Told just before its end, and heard after it.
                self.died(worker)
            self.waits_ms[worker].append(told["wait_ms"])
        elif event == "refused":
            self.refusals[told["why"]] += 1
        elif event == "lost":
            self.losses[told["how"]] += 1
            hold = self._held.pop((worker, order), None)
            if hold:
                hold.end, hold.lost = at, told["how"]
        elif event in ("released", "scheduled"):
            hold = self._held.pop((worker, order), None)
            if hold:
                hold.end = at
        elif event == "charged":
            self.charged[order] += 1
            self.charges.append((at, worker, order))

    def died(self, worker: str) -> None:
        """A worker was killed: what it held, it holds no more."""
        self._dead.add(worker)
        for (holder, order), hold in list(self._held.items()):
            if holder == worker:
                hold.end, hold.lost = self.now(), "its holder was killed"
                del self._held[holder, order]
                self.losses["its holder was killed"] += 1

    def total(self, event: str, language: str = "") -> int:
        """How often something happened, to workers of a language or to all."""
        workers = self.counts.items()
        return sum(counts[event] for worker, counts in workers if worker.startswith(language))

    @property
    def in_flight(self) -> int:
        """Locks that a process holds."""
        return len(self._held)


def percentile(values: list[float], share: float) -> float:
    """The value below or at which this share of all is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
