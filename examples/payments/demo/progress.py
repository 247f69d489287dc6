"""The live view: a screen that is drawn again, or plain lines where there is no terminal."""

from __future__ import annotations

import shutil
import sys
import time

from journal import Journal
from sender import Sender
from servers import Server

REDRAW_SECONDS = 0.2
LINE_SECONDS = 3.0


class Progress:
    """Shows a run as it goes."""

    def __init__(self, title: str, orders: int, unique: int, workers: list[str]) -> None:
        self._title, self._orders, self._unique, self._workers = title, orders, unique, workers
        self._live = sys.stdout.isatty()
        self._drawn = 0
        self._next = 0.0
        self._told = 0
        if not self._live:
            print(f"{title}: {orders:,} requests for {unique:,} payments", flush=True)

    def show(self, journal: Journal, sender: Sender, servers: list[Server], last: bool = False) -> None:
        """Draws, if it is time for it."""
        if time.monotonic() < self._next and not last:
            return
        self._next = time.monotonic() + (REDRAW_SECONDS if self._live else LINE_SECONDS)
        if self._live:
            self._draw(journal, sender, servers)
        else:
            self._tell(journal, sender)

    def _tell(self, journal: Journal, sender: Sender) -> None:
        for happening in journal.happenings[self._told :]:
            print(f"{happening.at:7.1f}s  * {happening.what}", flush=True)
        self._told = len(journal.happenings)
        print(
            f"{journal.now():7.1f}s  {sender.sent:5} sent, {journal.total('duplicate'):4} already scheduled, "
            f"{len(journal.charged):5} of {self._unique} charged, {journal.in_flight:2} at work",
            flush=True,
        )

    def _draw(self, journal: Journal, sender: Sender, servers: list[Server]) -> None:
        width = min(shutil.get_terminal_size().columns, 110)
        done = len(journal.charged) / max(1, self._unique)
        bar = "█" * int(done * 30)
        lines = [
            f"{self._title}   {journal.now():5.1f} s",
            f"  [{bar:<30}] {len(journal.charged):,} of {self._unique:,} payments charged",
            f"  sent {sender.sent:,} of {self._orders:,}   "
            f"already scheduled {journal.total('duplicate'):,}   adopted {journal.total('adopted'):,}   "
            f"refused {journal.total('refused'):,}   at work {journal.in_flight}",
        ]
        for worker in self._workers:
            counts = journal.counts[worker]
            lines.append(
                f"  {worker:<10} charged {counts['charged']:5,}   afresh {counts['afresh']:3}   "
                f"refused {counts['refused']:3}   lost {counts['lost']:2}"
            )
        states = [f"{server.name.removeprefix('lock ')} {server.state}" for server in servers]
        lines.append("  " + "   ".join(states))
        lines += [f"  {happening.at:6.1f}s {happening}" for happening in journal.happenings[-6:]]
        if self._drawn:
            sys.stdout.write(f"\x1b[{self._drawn}A\x1b[J")
        sys.stdout.write("\n".join(line[:width] for line in lines) + "\n")
        sys.stdout.flush()
        self._drawn = len(lines)
