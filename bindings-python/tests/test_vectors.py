"""The tables that all languages share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from quorlock import Client, ClientOptions, Event, QuorlockError, Released, Ticket
from quorlock.reports import LossReason

VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
NAMES = {
    "ttl_ms": "ttl",
    "wait_ms": "timeout",
    "hold_ms_max": "hold_max",
    "node_timeout_ms": "node_timeout",
    "connect_timeout_ms": "connect_timeout",
    "ticket_retention_ms": "ticket_retention",
}


def rows(file: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / file).read_text())["rows"]
    return found


def case_of(row: dict[str, Any]) -> str:
    return ascii(row.get("case", row.get("name")))


def options(given: dict[str, Any]) -> dict[str, Any]:
    def value_of(name: str, value: Any) -> Any:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value / 1000 if name in NAMES and is_number else value

    return {NAMES.get(name, name): value_of(name, value) for name, value in given.items()}


@pytest.mark.parametrize("row", rows("tickets.json"), ids=case_of)
def test_tickets(row: dict[str, Any]) -> None:
    if "code" in row:
        with pytest.raises(QuorlockError) as error:
            Ticket.decode(row["text"])
        assert (type(error.value).code, error.value.field) == (row["code"], row["field"])
        return
    ticket = Ticket.decode(row["text"])
    said = (ticket.id, ticket.resource, round(ticket.ttl * 1000), ticket.fencing_token)
    assert said == (row["id"], row["resource"], row["ttl_ms"], row["fencing_token"])
    assert Ticket.decode(ticket.encode()) == ticket


@pytest.mark.parametrize("row", rows("names.json"), ids=case_of)
def test_names(row: dict[str, Any], memory: list[str]) -> None:
    client = Client(memory, key_prefix=row["prefix"])
    if "code" in row:
        with pytest.raises(QuorlockError) as error:
            client.mutex(row["name"]).acquire()
        assert (type(error.value).code, error.value.field) == (row["code"], row["field"])
        return
    with client.mutex(row["name"]) as guard:
        assert guard.resource == row["name"]
        # The key itself, asked for without the prefix.
        assert Client(memory).inspect(row["key"]).holder is not None


# `try_acquire` takes no timeout here.
CANNOT = ("try_acquire: wait_ms",)
INPUTS = [row for row in rows("inputs.json") if not row["case"].startswith(CANNOT)]


@pytest.mark.parametrize("row", INPUTS, ids=case_of)
def test_inputs(row: dict[str, Any]) -> None:
    given = row["with"]
    with pytest.raises(QuorlockError) as error:
        call(row, given)
    assert (type(error.value).code, error.value.field) == (row["code"], row["field"])


def call(row: dict[str, Any], given: dict[str, Any]) -> None:
    chosen = options(given.get("options") or {})
    if row["call"] == "connect":
        Client(given["nodes"], **chosen)
    elif row["call"] == "ticket":
        Ticket.decode(given["ticket"])
    else:
        client = Client(["memory://inputs"], **options(row.get("client") or {}))
        match row["call"]:
            case "acquire":
                client.mutex(given["resource"]).acquire(**chosen)
            case "try_acquire":
                client.mutex(given["resource"]).try_acquire(**chosen)
            case "inspect":
                client.inspect(given["resource"])
            case "adopt":
                client.adopt(Ticket.decode(given["ticket"]), **chosen)
            case "detach":
                with client.mutex("to detach") as guard:
                    guard.detach(given["ttl_ms"] / 1000)
            case other:
                raise AssertionError(other)


def test_options_are_all_there() -> None:
    named = {row["name"] for row in rows("options.json") if row["scope"] == "client"}
    # What is an argument of its own beside the options.
    named -= {"nodes", "silence_ms_max"}
    assert {NAMES.get(name, name) for name in named} == set(ClientOptions.__annotations__)


def test_words_are_all_there() -> None:
    words = {row["name"]: set(row["words"]) for row in rows("statuses.json")}
    assert words["loss"] == set(get_args(LossReason))
    hints: dict[str, Any] = {**Event.__annotations__, **Released.__annotations__}
    for name, hint in (("event", hints["kind"]), ("released", hints["result"])):
        for word in words[name]:
            assert f'"{word}"' in hint or f"'{word}'" in hint
    for name in ("node_status", "fault_class", "warning"):
        assert words[name]
