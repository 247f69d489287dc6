"""Clients and servers for the tests."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from quorlock import AsyncClient, Client
from servers import Servers

if TYPE_CHECKING:
    from collections.abc import Iterator

_numbers = itertools.count()


@pytest.fixture
def memory() -> list[str]:
    """An embedded node of its own for each test."""
    return [f"memory://test-{next(_numbers)}"]


@pytest.fixture
def client(memory: list[str]) -> Iterator[Client]:
    with Client(memory) as client:
        yield client


@pytest.fixture
def async_client(memory: list[str]) -> AsyncClient:
    """Closed by nobody: its node is its own."""
    return AsyncClient(memory)


@pytest.fixture(scope="session")
def five() -> Iterator[Servers]:
    """Five Valkey servers, shared by the session: use a name of your own for each lock."""
    with Servers(5) as servers:
        yield servers


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A resource of the test's own."""
    return f"{request.node.nodeid.split('::', 1)[1]}#{next(_numbers)}"[:900]
