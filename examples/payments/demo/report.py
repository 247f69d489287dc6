"""The report at the end: what became of every order, by the ledger's own count."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from journal import Journal, percentile
from orders import Order

LANGUAGES = [("nestjs", "NestJS"), ("python", "Python"), ("c", "C")]


@dataclass
class Outcome:
    """How often each order was charged, as the ledger says."""

    orders: list[Order]
    charges: dict[str, int]

    @property
    def unique(self) -> set[str]:
        """The payments that were asked for."""
        return {order.id for order in self.orders}

    def charged(self, times: int) -> int:
        """How many were charged so often; three or more count as many."""
        counts = Counter(min(3, self.charges.get(order, 0)) for order in self.unique)
        return counts[times]

    @property
    def unknown(self) -> int:
        """Charges for what nobody asked for."""
        return sum(order not in self.unique for order in self.charges)

    @property
    def is_exactly_once(self) -> bool:
        """Every payment once, and nothing else."""
        return self.charged(1) == len(self.unique) and not self.unknown

    @property
    def too_many(self) -> int:
        """Charges beyond the first of each payment."""
        return sum(times - 1 for times in self.charges.values() if times > 1)

    @property
    def overcharged_cents(self) -> int:
        """What customers paid too much."""
        amounts = {order.id: order.amount_cents for order in self.orders}
        return sum((times - 1) * amounts.get(order, 0) for order, times in self.charges.items())


def with_locks(outcome: Outcome, journal: Journal, retried: int) -> str:
    """The report of the run with locks."""
    requests = len(outcome.orders)
    lines = [
        "",
        "With Quorlock",
        f"  requests                    {requests:6,}  ({retried:,} sent again after an error)",
        f"  payments asked for          {len(outcome.unique):6,}",
        f"  charged once                {outcome.charged(1):6,}",
        f"  charged twice or more       {outcome.charged(2) + outcome.charged(3):6,}",
        f"  never charged               {outcome.charged(0):6,}",
        f"  already scheduled           {journal.total('duplicate'):6,}  (the publisher did nothing)",
        f"  hand-overs                  {journal.total('adopted'):6,}  (from the publisher to a worker)",
        f"  acquired afresh             {journal.total('afresh'):6,}  (the ticket was dead)",
        f"  found charged already       {journal.total('already'):6,}",
        f"  left for a redelivery       {journal.total('retry'):6,}  (somebody else was at it)",
        f"  writes refused by token     {journal.total('stale'):6,}",
        f"  adoptions refused           {journal.total('refused'):6,}",
    ]
    lines += [f"      {times:6,}  {why}" for why, times in journal.refusals.most_common()]
    lines.append(f"  locks lost                  {sum(journal.losses.values()):6,}")
    lines += [f"      {times:6,}  noticed by: {how}" for how, times in journal.losses.most_common()]
    lines += ["", *_languages(journal), "", "What went wrong, and when"]
    lines += [f"  {happening.at:6.1f} s  {happening}" for happening in journal.happenings]
    return "\n".join(lines)


def _languages(journal: Journal) -> list[str]:
    head = f"  {'':<10}{'charged':>9}{'wait p50':>11}{'p90':>9}{'p99':>9}{'hold p50':>11}{'p90':>9}{'p99':>9}"
    lines = ["Per language, in ms", head]
    for prefix, name in [("publisher", "publisher"), *LANGUAGES]:
        waits = [
            ms
            for worker, all_ms in journal.waits_ms.items()
            if worker.split("-")[0] == prefix
            for ms in all_ms
        ]
        holds = [
            (hold.end - hold.begin) * 1000
            for hold in journal.holds
            if hold.worker.split("-")[0] == prefix and hold.end is not None
        ]
        figures = [percentile(values, share) for values in (waits, holds) for share in (0.5, 0.9, 0.99)]
        charged = journal.total("charged", prefix)
        columns = zip(figures, (11, 9, 9, 11, 9, 9), strict=True)
        lines.append(f"  {name:<10}{charged:>9,}" + "".join(f"{ms:>{width}.1f}" for ms, width in columns))
    return lines


def without_locks(outcome: Outcome) -> str:
    """The report of the run without locks."""
    too_much = f"{outcome.overcharged_cents / 100:,.2f}"
    return "\n".join(
        [
            "",
            "The same without locks",
            f"  charged once                {outcome.charged(1):6,}",
            f"  charged twice               {outcome.charged(2):6,}",
            f"  charged three times or more {outcome.charged(3):6,}",
            f"  never charged               {outcome.charged(0):6,}",
            f"  double charges              {outcome.too_many:6,}  ({too_much} too much)",
        ]
    )


def verdict(outcome: Outcome) -> str:
    """The last line."""
    if outcome.is_exactly_once:
        return f"\nEvery one of {len(outcome.unique):,} payments was charged exactly once."
    wrong = len(outcome.unique) - outcome.charged(1) + outcome.unknown
    return f"\nFAILED: {wrong:,} payments were not charged exactly once."
