"""The ledger's rule: whoever comes with a smaller token than somebody before came too late."""

import os

import pytest

from store import open_store

# A database is named for the run, or there is none to test with.
POSTGRESQL = os.environ.get("QUORLOCK_POSTGRESQL_URL")


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRESQL else [])])
def store(request, tmp_path):
    store = open_store(POSTGRESQL if request.param == "postgresql" else str(tmp_path / "ledger.sqlite"))
    store.clear()
    return store


def test_a_late_writer_is_refused(store):
    assert store.begin("a", 10) == ("open", 1)
    assert store.begin("a", 11) == ("open", 2)
    assert not store.charge("a", 10, "slow", 100)
    assert store.charge("a", 11, "quick", 100)
    assert store.begin("a", 10) == ("stale", 2)
    assert store.begin("a", 12) == ("charged", 3)
    assert store.charges() == {"a": 1}


def test_orders_have_fences_of_their_own(store):
    store.begin("a", 10)
    assert store.begin("b", 5) == ("open", 1)
    assert store.charge("b", 5, "w", 1)
    assert store.charges() == {"b": 1}


def test_without_tokens_nothing_stops_a_second_charge(store):
    assert store.begin("a", 0) == ("open", 1)
    assert store.begin("a", 0) == ("open", 2)
    for worker in ("one", "two"):
        assert store.charge("a", 0, worker, 100)
    assert store.charges() == {"a": 2}
