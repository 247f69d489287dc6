#!/usr/bin/env python3
"""Draws docs/benchmarks.svg from tests/bench/results/engine.json. Standard library only.

usage: plot.py [results.json] [picture.svg]
"""

import json
import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WIDTH, LEFT, BAR, GAP = 860, 270, 15, 5
INK, FAINT, GOOD, BAD, FLOOR, GRID = "#1f2328", "#656d76", "#2f7d4f", "#b4432f", "#9aa4af", "#d8dee4"
ENGINE = ("async", "async, caller's runtime", "blocking")


class Picture:
    """Lines of SVG from the top down."""

    def __init__(self):
        self.parts, self.y = [], 0

    def text(self, x, y, text, size=12, fill=INK, anchor="start", weight="normal"):
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" '
            f'text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'
        )

    def rect(self, x, y, width, height, fill):
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" '
            f'height="{height}" rx="2" fill="{fill}"/>'
        )

    def rule(self, x, top, bottom, fill, dash=""):
        self.parts.append(
            f'<line x1="{x:.1f}" y1="{top:.1f}" x2="{x:.1f}" y2="{bottom:.1f}" '
            f'stroke="{fill}" stroke-dasharray="{dash}"/>'
        )

    def bars(self, title, rows, unit, limit=None, limit_text=""):
        """One bar per (label, value, colour, note)."""
        self.y += 34
        self.text(20, self.y, title, 14, weight="bold")
        if limit is not None:
            self.text(WIDTH - 20, self.y, limit_text, 11, FAINT, "end")
        self.y += 10
        room = WIDTH - LEFT - 230
        most = max([value for _, value, _, _ in rows] + [limit or 0]) or 1
        top = self.y
        bottom = top + len(rows) * (BAR + GAP)
        for label, value, colour, note in rows:
            length = room * value / most
            self.text(LEFT - 10, self.y + BAR - 3, label, 12, anchor="end")
            self.rect(LEFT, self.y, length, BAR, colour)
            words = f"{value:.2f} {unit}" + (f"   {note}" if note else "")
            self.text(LEFT + length + 6, self.y + BAR - 3, words, 11, FAINT)
            self.y += BAR + GAP
        self.rule(LEFT, top - 2, bottom, GRID)
        if limit is not None:
            self.rule(LEFT + room * limit / most, top - 4, bottom, INK, "3 3")

    def svg(self):
        height = self.y + 24
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="system-ui, sans-serif" role="img" aria-label="Benchmarks of Quorlock">\n'
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )


def draw(results):
    table = {}
    for figure in results["figures"]:
        key = (figure["bench"], figure["case"], figure["who"])
        table.setdefault(key, {})[figure["measure"]] = figure["value"]
    machine = results["machine"]
    picture = Picture()
    picture.y = 30
    picture.text(20, picture.y, "Quorlock against the bare redis crate", 18, weight="bold")
    picture.y += 20
    where = f'{machine["cores"]} cores of {machine["processor"]}, {machine["server"]}, all on one machine'
    picture.text(20, picture.y, where + "; medians of interleaved rounds", 12, FAINT)

    def ratios(lanes, measure, note_of, meets):
        rows = []
        for (bench, case, who), values in table.items():
            if bench != "uncontended" or not case.endswith(lanes):
                continue
            if who in ENGINE or who == "floor, fenced":
                value = values[measure]
                colour = FLOOR if who == "floor, fenced" else GOOD if meets(value) else BAD
                nodes = case.split(",")[0]
                rows.append((f"{nodes}, {who}", value, colour, note_of(values)))
        return rows

    serial = ratios("one after the other", "p50 to floor", lambda v: f'{v["p50"]:.0f} µs', lambda v: v <= 1.25)
    if serial:
        title = "Acquire + release, one after the other: p50 as a multiple of the floor's"
        picture.bars(title, serial, "×", 1.25, "target: at most 1.25")
    many = ratios(
        "100 at once", "throughput to floor", lambda v: f'{v["throughput"]:.0f}/s', lambda v: v >= 0.8
    )
    if many:
        title = "Acquire + release, 100 at once: throughput as a share of the floor's"
        picture.bars(title, many, "×", 0.8, "target: at least 0.8")
    gaps = [
        (
            case,
            values["gap p50 in round trips"],
            GOOD if values["gap p50 in round trips"] <= 3 else BAD,
            f'{values["hand-overs"]:.0f} hand-overs/s',
        )
        for (bench, case, _), values in table.items()
        if bench == "handover"
    ]
    if gaps:
        title = "Release call to the next acquire's return, 5 nodes: p50 in round trips of the floor"
        picture.bars(title, gaps, "round trips", 3, "target: at most 3")
    costs = [
        (
            f"{case}, {part}",
            values[f"{part} CPU"],
            GOOD if values["lost"] == 0 else BAD,
            f'{values["renewals"]:.0f} renewals/s, {values["lost"]:.0f} lost' if part == "client" else "",
        )
        for (bench, case, _), values in table.items()
        if bench == "renewal"
        for part in ("client", "servers")
    ]
    if costs:
        picture.bars("Leases of ttl 5 s renewed on 5 nodes: CPU as a share of one core", costs, "%")
    return picture.svg()


def main():
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests/bench/results/engine.json"
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs/benchmarks.svg"
    target.write_text(draw(json.loads(source.read_text())))
    print(target)


if __name__ == "__main__":
    main()
