"""Benchmarks of the Python binding beside its peers, in one run: a table, and figures as JSON.

Rounds of all libraries are interleaved, so that a busy moment of the machine hits all of them; the
median of the rounds counts. ``bench.py [--seconds S] [--rounds R] [--leases N] [--json FILE]``
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "bindings-python" / "tests"))

import workloads  # noqa: E402
from contestants import Async, Blocking  # noqa: E402
from servers import Servers  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

Figures = dict[str, dict[str, float]]


def interleaved(libraries: list[str], rounds: int, measure: Callable[[str], Any]) -> dict[str, Any]:
    """The median of each library's rounds."""
    found: dict[str, list[Any]] = {library: [] for library in libraries}
    for _ in range(rounds):
        for library in libraries:
            found[library].append(measure(library))
    return {library: _median(values) for library, values in found.items()}


def _median(values: list[Any]) -> Any:
    if isinstance(values[0], dict):
        return {key: statistics.median(value[key] for value in values) for key in values[0]}
    return statistics.median(values)


def show(title: str, unit: str, figures: dict[str, float], better: str = "more") -> None:
    """One table: each library, and Quorlock's factor over the best peer."""
    peers = {library: value for library, value in figures.items() if library != "quorlock"}
    print(f"\n{title} ({unit})")
    for library, value in figures.items():
        print(f"  {library:12} {value:12,.2f}")
    if peers and "quorlock" in figures:
        best = max(peers.values()) if better == "more" else min(peers.values())
        ours, theirs = figures["quorlock"], best
        over, under = (ours, theirs) if better == "more" else (theirs, ours)
        factor = over / under if under else math.inf
        print(f"  {'factor':12} {factor:12.1f} over the best peer")


def main() -> None:
    """Measures everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--leases", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: Figures = {}

    def table(title: str, unit: str, figures: dict[str, float], better: str = "more") -> None:
        show(title, unit, figures, better)
        results[title] = figures

    calls = 5_000
    table(
        "bridge: a call that does nothing",
        "µs",
        {
            "blocking": workloads.bridge(False, False, calls),
            "asyncio": workloads.bridge(True, False, calls),
            "uvloop": workloads.bridge(True, True, calls),
        },
    )
    with Servers(5) as five:
        seconds, rounds = options.seconds, options.rounds
        for nodes in (1, 5):
            urls = five.urls[:nodes]
            single = ["redis-py"] if nodes == 1 else []
            blocking = ["quorlock", *Blocking.peers, *single]
            on_loop = ["quorlock", *Async.peers, *single]
            for tasks in (1, 100):
                how = "serial" if tasks == 1 else "100 at once"
                figures = interleaved(
                    blocking,
                    rounds,
                    partial(workloads.blocking_cycles, urls=urls, threads=tasks, seconds=seconds),
                )
                table(f"{nodes} nodes, threads, {how}", "cycles/s", figures)
                for loop in ("asyncio", "uvloop"):
                    figures = interleaved(
                        on_loop,
                        rounds,
                        partial(
                            workloads.async_cycles,
                            urls=urls,
                            tasks=tasks,
                            seconds=seconds,
                            is_uvloop=loop == "uvloop",
                        ),
                    )
                    table(f"{nodes} nodes, {loop}, {how}", "cycles/s", figures)
        for processes in (1, 4):
            # aioredlock's waiters in several processes did not come to an end within minutes.
            peers = Async.peers if processes == 1 else Async.peers[:2]
            figures = interleaved(
                ["quorlock", *peers],
                rounds,
                partial(
                    workloads.handovers,
                    urls=five.urls,
                    processes=processes,
                    seconds=max(3.0, seconds),
                ),
            )
            for key, unit in (("handovers_per_second", "1/s"), ("slowest_by_fastest", "")):
                chosen = {library: values[key] for library, values in figures.items()}
                table(f"20 waiters in {processes} processes: {key}", unit, chosen)
        if options.leases:
            # aioredlock is the one peer that renews by itself.
            figures = {
                one: workloads.renewals(one, five.urls, options.leases, 25.0)
                for one in ("quorlock", "aioredlock")
            }
            for key, unit in (("lost", "leases"), ("processor_share", "s/s")):
                chosen = {library: values[key] for library, values in figures.items()}
                table(f"{options.leases} renewed leases: {key}", unit, chosen, "less")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
