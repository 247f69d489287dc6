"""The payment orders: one JSON object per line, or CSV with a header."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

ORDER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
CURRENCIES = {"EUR", "USD", "GBP", "CHF", "SEK"}
CHANNELS = {"web", "app", "api", "batch"}
AMOUNT_CENTS_MAX = 10_000_000
AT_MS_MAX = 600_000


class OrdersError(ValueError):
    """The file cannot be used; says which line is wrong and why."""


@dataclass(frozen=True)
class Order:
    """One request to charge a customer. The same id again is the same payment, asked for again."""

    line: int
    at_ms: int
    """When it is sent, from the beginning of the run."""
    id: str
    customer: str
    amount_cents: int
    currency: str
    channel: str
    delay_ms: int = 0
    """How long it shall wait in the queue before it is processed."""

    @property
    def terms(self) -> tuple[str, int, str]:
        """What may not differ between two requests for one payment."""
        return (self.customer, self.amount_cents, self.currency)


def read(path: Path) -> list[Order]:
    """All orders of a file, in order of time."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise OrdersError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise OrdersError(f"{path}, line {line}: is not UTF-8") from error
    rows = _csv_rows(text) if path.suffix == ".csv" else _json_rows(path, text)
    orders: list[Order] = []
    first: dict[str, Order] = {}
    for line, row in rows:
        try:
            order = _order(line, row)
        except ValueError as error:
            raise OrdersError(f"{path}, line {line}: {error}") from error
        before = first.setdefault(order.id, order)
        if before.terms != order.terms:
            message = f"order {order.id} differs from line {before.line} in customer or amount"
            raise OrdersError(f"{path}, line {line}: {message}")
        orders.append(order)
    if not orders:
        raise OrdersError(f"{path}: holds no order")
    return sorted(orders, key=lambda order: order.at_ms)


def _json_rows(path: Path, text: str):
    for line, row in enumerate(text.splitlines(), 1):
        if not row.strip():
            continue
        try:
            value = json.loads(row)
        except ValueError as error:
            raise OrdersError(f"{path}, line {line}: is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise OrdersError(f"{path}, line {line}: must be one JSON object")
        yield line, value


def _csv_rows(text: str):
    reader = csv.DictReader(text.splitlines())
    for row in reader:
        value = {name: text for name, text in row.items() if text}
        for number in ("at_ms", "amount_cents", "delay_ms"):
            if re.fullmatch(r"\d{1,12}", value.get(number) or ""):
                value[number] = int(value[number])
        yield reader.line_num, value


def _order(line: int, row: dict) -> Order:
    known = {"at_ms", "id", "customer", "amount_cents", "currency", "channel", "delay_ms"}
    for name in row:
        if name not in known:
            raise ValueError(f"has the unknown field {name!r}")
    for name in known - {"delay_ms"}:
        if name not in row:
            raise ValueError(f"has no {name}")
    return Order(
        line=line,
        at_ms=_number(row, "at_ms", 0, AT_MS_MAX),
        id=_name(row, "id"),
        customer=_name(row, "customer"),
        amount_cents=_number(row, "amount_cents", 1, AMOUNT_CENTS_MAX),
        currency=_one_of(row, "currency", CURRENCIES),
        channel=_one_of(row, "channel", CHANNELS),
        delay_ms=_number(row, "delay_ms", 0, 60_000) if "delay_ms" in row else 0,
    )


def _number(row: dict, name: str, least: int, most: int) -> int:
    value = row[name]
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least:,} to {most:,}")
    return value


def _name(row: dict, name: str) -> str:
    value = row[name]
    if not isinstance(value, str) or not ORDER_ID.fullmatch(value):
        raise ValueError(f"{name} must be 1 to 64 letters, digits, - or _")
    return value


def _one_of(row: dict, name: str, values: set[str]) -> str:
    if row[name] not in values:
        raise ValueError(f"{name} must be one of {', '.join(sorted(values))}")
    return row[name]
