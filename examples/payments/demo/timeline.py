"""The picture of a run: who held what, when, and what went wrong meanwhile. An SVG file."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path

from journal import Hold, Journal

WIDTH, LEFT, RIGHT = 1200, 130, 20
LANE, GAP = 34, 10
COLOURS = {"publisher": "#8a8f98", "nestjs": "#d6336c", "python": "#2f6fb3", "c": "#2b8a5a"}
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 } .small { font-size: 10px; fill: #57606a }
.halo { paint-order: stroke; stroke: #fff; stroke-width: 3px }
.lane { fill: #f6f8fa } .grid { stroke: #d0d7de } .fault { stroke: #b35900; stroke-dasharray: 3 3 }
.faulttext { font-size: 10px; fill: #b35900 }
"""


class Timeline:
    """Draws one run."""

    def __init__(self, journal: Journal, workers: list[str], stories: dict[str, str]) -> None:
        self._journal, self._workers, self._stories = journal, workers, stories
        self._faults = [happening for happening in journal.happenings if happening.is_fault]
        ends = [hold.end or hold.begin for hold in journal.holds]
        self._span = max([1.0, *ends, *(happening.at for happening in journal.happenings)]) * 1.02
        self._parts: list[str] = []

    def write(self, path: Path) -> None:
        """Writes the picture."""
        lanes = ["publisher", *self._workers]
        top = 60 + 14 * len(self._faults)
        bottom = top + (len(lanes) + 1) * (LANE + GAP)
        height = bottom + 60 + len(self._stories) * 56
        self._text(LEFT, 24, "Who held what: one bar for each lock that a process held", "title")
        self._grid(top, bottom)
        self._marks(40, bottom)
        self._nodes(top + len(lanes) * (LANE + GAP))
        for index, worker in enumerate(lanes):
            self._lane(worker, top + index * (LANE + GAP))
        self._told(bottom + 46)
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}"><style>{STYLE}</style>'
            f'<rect width="100%" height="100%" fill="#fff"/>{"".join(self._parts)}</svg>\n'
        )
        path.write_text(svg, encoding="utf-8")

    def _x(self, at: float) -> float:
        return LEFT + at / self._span * (WIDTH - LEFT - RIGHT)

    def _text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
        self._parts.append(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def _grid(self, top: float, bottom: float) -> None:
        step = next(step for step in (1, 2, 5, 10, 20, 60) if self._span / step <= 14)
        for at in range(0, int(self._span) + 1, step):
            x = self._x(at)
            self._parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>')
            self._text(x, bottom + 14, f"{at} s", "small", "middle")

    def _marks(self, top: float, bottom: float) -> None:
        for index, happening in enumerate(self._faults):
            x, y = self._x(happening.at), top + 14 * (index + 1)
            self._parts.append(f'<line class="fault" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{bottom}"/>')
            left = x > WIDTH * 0.6
            anchor = "end" if left else "start"
            self._text(x - 4 if left else x + 4, y, f"{happening.at:.1f} s {happening}", "faulttext", anchor)

    def _lane(self, worker: str, y: float) -> None:
        self._text(LEFT - 10, y + LANE / 2 + 4, worker, anchor="end")
        self._parts.append(
            f'<rect class="lane" x="{LEFT}" y="{y}" width="{WIDTH - LEFT - RIGHT}" height="{LANE}"/>'
        )
        # A worker holds several locks at once: each goes to the first row that is free.
        rows: list[float] = []
        holds = sorted((h for h in self._journal.holds if h.worker == worker), key=lambda h: h.begin)
        placed: list[tuple[int, Hold]] = []
        for hold in holds:
            row = next((i for i, free in enumerate(rows) if free <= hold.begin), len(rows))
            if row == len(rows):
                rows.append(0.0)
            rows[row] = hold.end or self._span
            placed.append((row, hold))
        height = LANE / max(1, len(rows))
        for row, hold in placed:
            self._bar(hold, y + row * height, height)

    def _bar(self, hold: Hold, y: float, height: float) -> None:
        end = hold.end or self._span
        colour = "#b35900" if hold.lost else COLOURS[hold.worker.split("-")[0]]
        what = f"{hold.order}: {hold.worker}, {hold.how}, {(end - hold.begin) * 1000:.0f} ms"
        if hold.lost:
            what += f", lost: {hold.lost}"
        self._parts.append(
            f'<rect x="{self._x(hold.begin):.2f}" y="{y:.1f}" height="{height * 0.85:.1f}" '
            f'width="{max(0.6, self._x(end) - self._x(hold.begin)):.2f}" fill="{colour}">'
            f"<title>{escape(what)}</title></rect>"
        )

    def _nodes(self, y: float) -> None:
        """The lock nodes, each on a row: when it did not serve."""
        self._text(LEFT - 10, y + LANE / 2 + 4, "lock nodes", anchor="end")
        width = WIDTH - LEFT - RIGHT
        self._parts.append(f'<rect class="lane" x="{LEFT}" y="{y}" width="{width}" height="{LANE}"/>')
        for outage in self._journal.outages:
            row = int(outage.node.rsplit(" ", 1)[-1]) - 1
            x, end = self._x(outage.begin), self._x(outage.end or self._span)
            self._parts.append(
                f'<rect x="{x:.1f}" y="{y + row * LANE / 5:.1f}" width="{max(2, end - x):.1f}" '
                f'height="{LANE / 5:.1f}" fill="#b35900">'
                f"<title>{escape(outage.node)} does not serve</title></rect>"
            )

    def _told(self, top: float) -> None:
        """The orders that something was done to, each from its first lock to its charge."""
        for index, (order, what) in enumerate(self._stories.items()):
            holds = [hold for hold in self._journal.holds if hold.order == order]
            if holds:
                self._story(order, what, holds, top + index * 56)

    def _story(self, order: str, what: str, holds: list[Hold], y: float) -> None:
        charges = [at for at, _, charged in self._journal.charges if charged == order]
        begin = min(hold.begin for hold in holds)
        end = max(charges + [hold.end or self._span for hold in holds])
        scale = (WIDTH - LEFT - RIGHT) / max(0.05, end - begin) / 1.25

        def at_x(at: float) -> float:
            return LEFT + (at - begin) * scale

        self._text(LEFT - 10, y + 14, order, anchor="end")
        self._text(LEFT, y, f"{what} ({begin:.1f} s to {end:.1f} s)", "small")
        for hold in holds:
            self._told_hold(hold, holds, y, at_x)
        for at in charges:
            self._parts.append(f'<circle cx="{at_x(at):.1f}" cy="{y + 12}" r="5" fill="#24292f"/>')
            self._text(at_x(at) + 8, y + 16, "charged", "small halo")

    def _told_hold(self, hold: Hold, holds: list[Hold], y: float, at_x: Callable[[float], float]) -> None:
        end = hold.end or self._span
        # Whoever lost a lock may learn of it only after the next one has it.
        nexts = [other.begin for other in holds if hold.begin < other.begin < end] if hold.lost else []
        held_until = min([end, *nexts])
        colour = "#b35900" if hold.lost else COLOURS[hold.worker.split("-")[0]]
        x, width = at_x(hold.begin), max(2, at_x(held_until) - at_x(hold.begin))
        bar = f'<rect x="{x:.1f}" y="{y + 5}" height="14" width="{width:.1f}" fill="{colour}"/>'
        self._parts.append(bar)
        if held_until < end:
            x1, x2 = at_x(held_until), at_x(end)
            line = f'x1="{x1:.1f}" x2="{x2:.1f}" y1="{y + 21}" y2="{y + 21}"'
            self._parts.append(f'<line class="fault" {line}/>')
            self._text(x2 + 4, y + 24, f"{hold.worker} notices", "small")
        if hold.how != "locked":
            label = f"{hold.worker} {hold.how}" + (f", lost: {hold.lost}" if hold.lost else "")
            self._text(x, y + 32, label, "small")
