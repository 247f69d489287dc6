"""What goes wrong during a run, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from journal import Journal, Outage
from orders import Order
from servers import Server

# Which order gets which treatment, by the share of the run at which it is sent.
DRILLS = [
    ("twice", 0.25),
    ("stand-still", 0.42),
    ("block", 0.60),
    ("freeze", 0.75),
]


def drills(orders: list[Order], span_ms: int) -> dict[str, str]:
    """The orders chosen for a drill: each is asked for once, so that only the drill repeats it."""
    times = Counter(order.id for order in orders)
    chosen: dict[str, str] = {}
    for drill, share in DRILLS:
        for order in orders:
            alone = times[order.id] == 1 and order.delay_ms == 0
            if alone and order.at_ms >= span_ms * share and order.id not in chosen:
                chosen[order.id] = drill
                break
    return chosen


class Faults:
    """The plan for the lock nodes; only for nodes that the demo started itself."""

    def __init__(self, servers: list[Server], span_seconds: float, journal: Journal) -> None:
        self._journal = journal
        self._due: list[tuple[float, Callable[[], None]]] = []
        if len(servers) < 5:
            return
        lost, paused = servers[1], servers[3]
        pause_seconds = min(6.0, span_seconds * 0.15)
        self._due = [
            (span_seconds * 0.12, lambda: self._restart_empty(lost)),
            (span_seconds * 0.33, lambda: self._pause(paused)),
            (span_seconds * 0.33 + pause_seconds, lambda: self._resume(paused)),
        ]

    def act(self) -> None:
        """Does what is due."""
        while self._due and self._journal.now() >= self._due[0][0]:
            self._due.pop(0)[1]()

    def _restart_empty(self, server: Server) -> None:
        outage = self._outage(server)
        server.restart_empty()
        outage.end = self._journal.now()
        self._journal.happened(f"{server.name} was killed and came back empty")

    def _pause(self, server: Server) -> None:
        self._outage(server)
        server.pause()
        self._journal.happened(f"{server.name} was paused")

    def _resume(self, server: Server) -> None:
        server.resume()
        self._journal.outages[-1].end = self._journal.now()
        self._journal.happened(f"{server.name} went on", is_fault=False)

    def _outage(self, server: Server) -> Outage:
        outage = Outage(server.name, self._journal.now())
        self._journal.outages.append(outage)
        return outage
