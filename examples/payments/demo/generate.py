"""Makes orders.jsonl: the same seed gives the same file, byte for byte.

python3 examples/payments/demo/generate.py > examples/payments/orders.jsonl
"""

from __future__ import annotations

import argparse
import json
import random
import sys

SEED = 20261124
ORDERS = 2000
SPAN_MS = 45_000

CHANNELS = ["web"] * 5 + ["app"] * 3 + ["api"] * 2
CURRENCIES = ["EUR"] * 6 + ["USD"] * 2 + ["GBP", "CHF", "SEK"]


def generate(seed: int = SEED, count: int = ORDERS, span_ms: int = SPAN_MS) -> list[dict]:
    """Orders as people and programs send them, sorted by time."""
    dice = random.Random(seed)
    batches = [dice.randrange(span_ms // 10, span_ms * 9 // 10) for _ in range(5)]
    rows = []
    for number in range(1, count + 1):
        # A quarter comes in batches: a shop sends its day's orders within half a second.
        batch = dice.random() < 0.25
        at_ms = dice.choice(batches) + dice.randrange(500) if batch else dice.randrange(span_ms)
        row = {
            "at_ms": at_ms,
            "id": f"ord-{number:06}",
            "customer": f"cus-{dice.randrange(1, 400):04}",
            "amount_cents": max(99, round(dice.lognormvariate(8.2, 0.9))),
            "currency": dice.choice(CURRENCIES),
            "channel": "batch" if batch else dice.choice(CHANNELS),
        }
        if dice.random() < 0.01:
            row["delay_ms"] = dice.randrange(6_000, 8_000)
        rows.append(row)
        chance = dice.random()
        if chance < 0.12:
            # A double click, or an impatient one.
            for _ in range(dice.choice([1, 1, 1, 2, 3])):
                rows.append(row | {"at_ms": at_ms + dice.randrange(0, 120)})
        elif chance < 0.17:
            # A client that ran into its timeout and asks again.
            rows.append(row | {"at_ms": at_ms + dice.randrange(1_000, 5_000)})
    return sorted(rows, key=lambda row: (row["at_ms"], row["id"]))


def main() -> None:
    """Writes the orders to standard output."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--span-ms", type=int, default=SPAN_MS)
    arguments = parser.parse_args()
    for row in generate(arguments.seed, arguments.orders, arguments.span_ms):
        sys.stdout.write(json.dumps(row, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
