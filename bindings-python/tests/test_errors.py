"""Exceptions: one for each row of the table, and they travel."""

from __future__ import annotations

import copy
import json
import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import pytest
import quorlock
from quorlock import Client, Fault, LockTimeoutError, NodeOutcome, QuorlockError, Ticket
from quorlock._quorlock import ERROR_TABLE
from quorlock.errors import from_native

VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
BASES: dict[str, tuple[type, ...]] = {
    "LockTimeoutError": (TimeoutError,),
    "QuorumUnavailableError": (ConnectionError,),
    "InvalidArgumentError": (ValueError,),
    "ConfigError": (ValueError,),
    "ForkedProcessError": (RuntimeError,),
}


def classes() -> dict[str, type[QuorlockError]]:
    found = (getattr(quorlock, name) for name in quorlock.__all__)
    errors = (one for one in found if isinstance(one, type) and issubclass(one, QuorlockError))
    return {one.code: one for one in errors if one is not QuorlockError}


def test_every_row_of_the_table_has_a_class() -> None:
    rows = json.loads((VECTORS / "errors.json").read_text())["rows"]
    listed = [(row["kind"], row["number"], row["code"], row["retryable"]) for row in rows]
    assert listed == list(ERROR_TABLE)
    codes = {row["code"] for row in rows} - {"QUORLOCK_CANCELLED"}
    assert codes == set(classes())
    for row in rows:
        error = from_native(row["code"], "t", "m", None, None, None, 0, 0.0, [])
        if row["kind"] == "Cancelled":
            assert type(error).__name__ == "CancelledError"
        else:
            assert type(error) is classes()[row["code"]]


@pytest.mark.parametrize("kind", classes().values(), ids=lambda kind: kind.__name__)
def test_classes_have_the_bases_users_catch(kind: type[QuorlockError]) -> None:
    for base in BASES.get(kind.__name__, ()):
        assert issubclass(kind, base)


@pytest.mark.parametrize("kind", classes().values(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_exceptions_are_pickled_with_all_they_carry(kind: type[QuorlockError], protocol: int) -> None:
    fault = Fault("unreachable", "refused", False)
    outcome = NodeOutcome("redis://h:1", "faulted", fault, None, False, 0.5)
    error = kind(
        "text",
        message="message",
        field="field",
        resource="resource",
        operation="acquire",
        attempts=3,
        elapsed=1.5,
        outcomes=(outcome,),
    )
    for again in (pickle.loads(pickle.dumps(error, protocol)), copy.deepcopy(error)):
        assert type(again) is kind
        assert str(again) == "text"
        assert again.__dict__ == error.__dict__
        assert again.outcomes[0].fault == fault


def contend(url: str) -> None:
    client = Client([url])
    with client.mutex("a"):
        client.mutex("a").acquire(timeout=0.01)


def test_an_exception_comes_home_from_a_pool(memory: list[str]) -> None:
    pool = multiprocessing.get_context("spawn").Pool(1)
    with pool, pytest.raises(LockTimeoutError) as error:
        pool.apply(contend, (memory[0],))
    assert error.value.resource == "a"
    assert error.value.outcomes[0].status == "held_by_another"


def test_tickets_are_pickled_and_compared_but_not_shown(client: Client) -> None:
    ticket = client.mutex("a").acquire().detach()
    again: Any = pickle.loads(pickle.dumps(ticket))
    assert again == ticket
    assert hash(again) == hash(ticket)
    assert ticket != Ticket.decode(client.mutex("b").acquire().detach().encode())
    token = ticket.encode().split(":")[4]
    assert token not in f"{ticket} {ticket!r}"
    client.adopt(again).release()
