"""The orders: the committed file, and every way in which a file can be wrong."""

import json
from collections import Counter

import pytest

from conftest import DEMO
from generate import generate
from orders import OrdersError, read

GOOD = {
    "at_ms": 5,
    "id": "ord-1",
    "customer": "cus-1",
    "amount_cents": 100,
    "currency": "EUR",
    "channel": "web",
}


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


WRONG = [
    ("", "is not JSON"),
    ("{", "is not JSON"),
    ("[]", "one JSON object"),
    ("null", "one JSON object"),
    ('"order"', "one JSON object"),
    *[(without(name), f"has no {name}") for name in GOOD],
    (GOOD | {"at_ms": -1}, "at_ms must be"),
    (GOOD | {"at_ms": 1.5}, "at_ms must be"),
    (GOOD | {"at_ms": "5"}, "at_ms must be"),
    (GOOD | {"at_ms": True}, "at_ms must be"),
    (GOOD | {"at_ms": 10**9}, "at_ms must be"),
    (GOOD | {"id": ""}, "id must be"),
    (GOOD | {"id": 7}, "id must be"),
    (GOOD | {"id": "a b"}, "id must be"),
    (GOOD | {"id": "a'; DROP"}, "id must be"),
    (GOOD | {"id": "x" * 65}, "id must be"),
    (GOOD | {"id": "\u00fc"}, "id must be"),
    (GOOD | {"customer": None}, "customer must be"),
    (GOOD | {"amount_cents": 0}, "amount_cents must be"),
    (GOOD | {"amount_cents": -5}, "amount_cents must be"),
    (GOOD | {"amount_cents": 19.99}, "amount_cents must be"),
    (GOOD | {"amount_cents": 10_000_001}, "amount_cents must be"),
    (GOOD | {"currency": "eur"}, "currency must be one of CHF, EUR"),
    (GOOD | {"channel": "fax"}, "channel must be one of"),
    (GOOD | {"delay_ms": -1}, "delay_ms must be"),
    (GOOD | {"delay_ms": 60_001}, "delay_ms must be"),
    (GOOD | {"amount": 5}, "unknown field 'amount'"),
    (GOOD | {"amount_cents": 101}, "differs from line 1"),
    (GOOD | {"customer": "cus-2"}, "differs from line 1"),
]


@pytest.mark.parametrize(("row", "said"), WRONG)
def test_a_wrong_line_is_named(tmp_path, row, said):
    path = tmp_path / "orders.jsonl"
    line = row if isinstance(row, str) else json.dumps(row)
    # An empty line is none; what is cut off in the middle of a line is.
    path.write_text(f"{json.dumps(GOOD)}\n\n{line or json.dumps(GOOD)[:-9]}\n")
    with pytest.raises(OrdersError) as error:
        read(path)
    assert f"{path}, line 3: " in str(error.value)
    assert said in str(error.value)


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path):
    path = tmp_path / "orders.jsonl"
    with pytest.raises(OrdersError, match=r"orders.jsonl: No such file"):
        read(path)
    path.write_bytes(json.dumps(GOOD).encode() + b"\n\xff\xfe\n")
    with pytest.raises(OrdersError, match=r"line 2: is not UTF-8"):
        read(path)
    path.write_text("\n\n")
    with pytest.raises(OrdersError, match="holds no order"):
        read(path)


def test_csv_is_read_alike(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(",".join(GOOD) + "\n" + ",".join(str(value) for value in GOOD.values()) + "\n")
    (order,) = read(path)
    assert (order.id, order.at_ms, order.amount_cents, order.line) == ("ord-1", 5, 100, 2)
    path.write_text(path.read_text() + "6,ord-2,cus-1,much,EUR,web\n")
    with pytest.raises(OrdersError, match="line 3: amount_cents must be a whole number"):
        read(path)


def test_the_committed_orders_are_what_the_seed_makes():
    committed = (DEMO.parent / "orders.jsonl").read_text()
    made = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in generate())
    assert committed == made


def test_the_orders_have_what_the_demo_is_about():
    orders = read(DEMO.parent / "orders.jsonl")
    times = Counter(order.id for order in orders)
    assert len(times) == 2000
    assert sum(count > 1 for count in times.values()) > 200
    assert sum(order.delay_ms > 5_000 for order in orders) > 10
    busiest = Counter(order.at_ms // 500 for order in orders).most_common(1)[0][1]
    assert busiest > 3 * len(orders) / (orders[-1].at_ms / 500)
