"""Bad input (R-62): the right exception, the field named, nothing sent, nothing crashed."""

from __future__ import annotations

import asyncio
import decimal
import math
from datetime import timedelta
from fractions import Fraction
from typing import Any, cast

import pytest
from quorlock import (
    AsyncClient,
    Client,
    ConfigError,
    InvalidArgumentError,
    QuorlockError,
    Ticket,
)

NO_SPANS: list[Any] = [
    math.nan,
    math.inf,
    -math.inf,
    -1,
    -0.001,
    1e300,
    10**400,
    2**63,
    True,
    False,
    "5",
    b"5",
    [],
    {},
    (5,),
    5j,
    object(),
    decimal.Decimal(5),
    Fraction(5),
    timedelta(seconds=-1),
    timedelta.max,
]
NO_FLAGS: list[Any] = [0, 1, "yes", "", 1.0, [], object()]
NO_COUNTS: list[Any] = [0, -1, 2**64, 10**30, 1.0, 1.5, "1", True, [], math.nan]
NO_TEXTS: list[Any] = [1, b"text", True, ["text"], "\ud800", "a\udfff", object()]

CLIENT_SPANS = {
    "ttl": "ttl_ms",
    "timeout": "wait_ms",
    "hold_max": "hold_ms_max",
    "node_timeout": "node_timeout_ms",
    "connect_timeout": "connect_timeout_ms",
    "ticket_retention": "ticket_retention_ms",
}
ACQUIRE_SPANS = {
    "ttl": "acquire.ttl_ms",
    "timeout": "acquire.wait_ms",
    "hold_max": "acquire.hold_ms_max",
}
# What is a span but reaches beyond the bounds of one option only.
BEYOND: dict[str, Any] = {"ttl": 86_400.001, "timeout": 604_800.001, "hold_max": 0.009}

CLIENT_CASES: list[tuple[str, Any, str]] = [
    *((name, value, field) for name, field in CLIENT_SPANS.items() for value in NO_SPANS),
    *(("renew", value, "renew") for value in NO_FLAGS),
    *(("tls_verify", value, "tls_verify") for value in NO_FLAGS),
    *(("renewals_max", value, "renewals_max") for value in NO_COUNTS),
    *(("waiters_max", value, "waiters_max") for value in [*NO_COUNTS, 10_001]),
    *(("key_prefix", value, "key_prefix") for value in [*NO_TEXTS, "a{b", "}", "x" * 257]),
    *(("owner", value, "owner") for value in NO_TEXTS),
    *(("fencing", value, "fencing") for value in [*NO_TEXTS, "", "AUTO", "on", "never"]),
    *(("tls_ca_pem", value, "tls_ca_pem") for value in [*NO_TEXTS, "", "no certificate"]),
    *(("on_event", value, "on_event") for value in ["print", 1, [], object()]),
    ("retries", 3, "retries"),
    ("ttl_ms", 5000, "ttl_ms"),
    ("", 1, ""),
]
NO_NODES: list[tuple[Any, str]] = [
    ("redis://127.0.0.1", "nodes"),
    (b"redis://127.0.0.1", "nodes[0]"),
    (None, "nodes"),
    (5, "nodes"),
    (True, "nodes"),
    ({"redis://127.0.0.1": 1}, "nodes"),
    (object(), "nodes"),
    ([], "nodes"),
    ([None], "nodes[0]"),
    ([1], "nodes[0]"),
    ([["redis://127.0.0.1"]], "nodes[0]"),
    (["memory://a", b"memory://b"], "nodes[1]"),
    (["memory://a", "memory://\ud800"], "nodes[1]"),
    (["redis://\x00"], "nodes[0]"),
    (["redis://127.0.0.1:1"] * 2, "nodes[1]"),
    ([f"redis://127.0.0.1:{port}" for port in range(1, 33)], "nodes"),
]
NO_NAMES: list[Any] = ["", "x" * 1025, "é" * 513, None, *NO_TEXTS]


def refused(case: Any, field: str) -> None:
    """`case` raises for `field`, and the error is worth reading."""
    with pytest.raises((InvalidArgumentError, ConfigError)) as error:
        case()
    assert isinstance(error.value, ValueError)
    assert error.value.field == field
    assert str(error.value).startswith(field) or ": " in str(error.value)
    assert "object at 0x" not in str(error.value)


def ids(case: Any) -> str:
    return ascii(case)[:40]


@pytest.mark.parametrize(("name", "value", "field"), CLIENT_CASES, ids=ids)
def test_options_of_clients(name: str, value: Any, field: str, memory: list[str]) -> None:
    options: dict[str, Any] = {name: value}
    refused(lambda: Client(memory, **options), field)
    refused(lambda: AsyncClient(memory, **options), field)


@pytest.mark.parametrize("value", [*NO_SPANS, 0.099], ids=ids)
def test_silence_of_the_host(value: Any, memory: list[str]) -> None:
    refused(lambda: AsyncClient(memory, host_silence_max=value), "silence_ms_max")


@pytest.mark.parametrize(("nodes", "field"), NO_NODES, ids=ids)
def test_nodes(nodes: Any, field: str) -> None:
    refused(lambda: Client(nodes), field)
    refused(lambda: AsyncClient(nodes), field)


def test_nodes_from_an_iterator_that_fails() -> None:
    def nodes() -> Any:
        yield "memory://a"
        raise OSError("the list of nodes cannot be read")

    refused(lambda: Client(nodes()), "nodes")


@pytest.mark.parametrize("name", NO_NAMES, ids=ids)
def test_names(name: Any, client: Client, async_client: AsyncClient) -> None:
    refused(client.mutex(name).acquire, "name")
    refused(client.mutex(name).try_acquire, "name")
    refused(lambda: client.inspect(name), "name")
    refused(lambda: asyncio.run(async_client.mutex(name).acquire()), "name")
    refused(lambda: asyncio.run(async_client.inspect(name)), "name")
    assert client.stats().rounds == 0


ACQUIRE_CASES: list[tuple[str, Any, str]] = [
    *((name, value, field) for name, field in ACQUIRE_SPANS.items() for value in NO_SPANS),
    *((name, value, ACQUIRE_SPANS[name]) for name, value in BEYOND.items()),
    ("ttl", 0, "acquire.ttl_ms"),
    ("ttl", 0.009, "acquire.ttl_ms"),
    *(("renew", value, "acquire.renew") for value in NO_FLAGS),
    *(("on_lost", value, "on_lost") for value in ["print", 1, [], object()]),
]


@pytest.mark.parametrize(("name", "value", "field"), ACQUIRE_CASES, ids=ids)
def test_options_of_acquire(
    name: str, value: Any, field: str, client: Client, async_client: AsyncClient
) -> None:
    options: dict[str, Any] = {name: value}
    refused(lambda: client.mutex("a").acquire(**options), field)
    refused(lambda: asyncio.run(async_client.mutex("a").acquire(**options)), field)
    if name != "timeout":
        refused(lambda: client.mutex("a").try_acquire(**options), field)
    assert client.stats().rounds == 0
    assert client.mutex("a").try_acquire() is not None


@pytest.mark.parametrize("value", [*NO_SPANS, 0, 0.009, 86_400.001], ids=ids)
def test_ttl_of_a_ticket(value: Any, client: Client) -> None:
    guard = client.mutex("a").acquire()
    refused(lambda: guard.detach(ttl=value), "detach.ttl_ms")
    assert guard.is_held


@pytest.mark.parametrize("value", NO_SPANS, ids=ids)
def test_limits(value: Any, client: Client) -> None:
    refused(lambda: client.close(value), "limit_ms")
    guard = client.mutex("a").acquire()
    refused(lambda: guard.lost.wait(value), "timeout")


@pytest.mark.parametrize("ticket", ["qlt1:text", b"qlt1", None, 1, object()], ids=ids)
def test_what_is_no_ticket(ticket: Any, client: Client, async_client: AsyncClient) -> None:
    refused(lambda: client.adopt(ticket), "ticket")
    refused(lambda: asyncio.run(async_client.adopt(ticket)), "ticket")


@pytest.mark.parametrize("text", ["", "qlt1", "qlt9:a:b", "a" * 5000, *NO_TEXTS], ids=ids)
def test_texts_that_are_no_ticket(text: Any) -> None:
    refused(lambda: Ticket.decode(text), "ticket")


@pytest.mark.parametrize(
    "key",
    ["{missing}", "{}", "{0}", "{", "}", "{number!z}", 5, None, b"{number}", ["number"]],
    ids=ids,
)
def test_keys_of_locked(key: Any, client: Client, async_client: AsyncClient) -> None:
    def function(number: int) -> int:
        return number

    async def coroutine(number: int) -> int:
        return number

    refused(lambda: client.locked(key)(function), "key")
    refused(lambda: async_client.locked(key)(coroutine), "key")


def test_functions_that_cannot_be_locked(client: Client, async_client: AsyncClient) -> None:
    async def coroutine() -> None: ...

    def function() -> None: ...

    def generator() -> Any:
        yield

    async def async_generator() -> Any:
        yield

    refused(lambda: client.locked("a")(coroutine), "function")
    refused(lambda: client.locked("a")(generator), "function")
    refused(lambda: async_client.locked("a")(cast("Any", function)), "function")
    refused(lambda: async_client.locked("a")(async_generator), "function")


def test_edges_that_are_no_errors(memory: list[str]) -> None:
    options: dict[str, Any] = {"ttl": 0.01, "timeout": -0.0, "node_timeout": timedelta(milliseconds=2)}
    with Client(tuple(memory), **options) as client:
        for name in ["x" * 1024, "a\0b", " ", "🔒", "{tag}"]:
            with client.mutex(name).using(ttl=86_400, timeout=604_800, hold_max=10**9):
                pass
    with Client((url for url in memory), renewals_max=2**32 - 1, waiters_max=10_000):
        pass


def test_no_secret_is_repeated() -> None:
    secret = "canary-hunter2"
    wrong = [
        f"redis://user:{secret}@127.0.0.1:0",
        f"redis://user:{secret}@",
        f"http://user:{secret}@127.0.0.1",
        f"redis://user:{secret}@127.0.0.1/x",
        f"{secret}",
    ]
    for url in wrong:
        with pytest.raises(QuorlockError) as error:
            Client([url])
        assert secret not in f"{error.value!r} {error.value} {error.value.__dict__}"
    client = Client([f"redis://user:{secret}@127.0.0.1:1"])
    with pytest.raises(QuorlockError) as error:
        client.mutex("a").acquire(timeout=0.05)
    assert secret not in f"{error.value!r} {error.value} {error.value.__dict__} {client!r}"
