"""The ledger's tables, in SQLite or PostgreSQL, and the one rule that a store has to keep."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

TABLES = (
    """CREATE TABLE quorlock_demo_fences (
        order_id TEXT PRIMARY KEY,
        token BIGINT NOT NULL,
        begun BIGINT NOT NULL)""",
    """CREATE TABLE quorlock_demo_charges (
        order_id TEXT NOT NULL,
        worker TEXT NOT NULL,
        token BIGINT NOT NULL,
        amount_cents BIGINT NOT NULL)""",
)

# The rule, in one statement: whoever comes with a smaller token than somebody before came too late.
# Without locks every token is 0, and nobody ever does.
PASS_THE_FENCE = """INSERT INTO quorlock_demo_fences AS known (order_id, token, begun) VALUES (?, ?, ?)
    ON CONFLICT (order_id) DO UPDATE SET token = excluded.token, begun = known.begun + excluded.begun
    WHERE known.token <= excluded.token"""


class Store:
    """Charges as they were made: nothing here stops a second one but the tokens of the first.

    Works on a connection of either database: both have `execute`, `commit` and `rollback`.
    """

    def __init__(self, connection: Any, placeholder: str) -> None:
        self._connection = connection
        self._placeholder = placeholder
        self._one_at_a_time = threading.Lock()

    def clear(self) -> None:
        """Empty tables."""
        with self._one_at_a_time:
            for name in ("quorlock_demo_fences", "quorlock_demo_charges"):
                self._execute(f"DROP TABLE IF EXISTS {name}")
            for table in TABLES:
                self._execute(table)
            self._connection.commit()

    def begin(self, order: str, token: int) -> tuple[str, int]:
        """`open`, `charged` or `stale`, and how often the payment was begun, this time included."""
        with self._one_at_a_time:
            in_time = self._pass_the_fence(order, token, 1)
            sql = "SELECT begun FROM quorlock_demo_fences WHERE order_id = ?"
            begun = self._execute(sql, (order,)).fetchone()[0]
            sql = "SELECT count(*) FROM quorlock_demo_charges WHERE order_id = ?"
            charged = self._execute(sql, (order,)).fetchone()[0]
            self._connection.commit()
        return ("stale" if not in_time else "charged" if charged else "open", begun)

    def charge(self, order: str, token: int, worker: str, amount_cents: int) -> bool:
        """Books the charge; false where the token came too late."""
        with self._one_at_a_time:
            in_time = self._pass_the_fence(order, token, 0)
            if in_time:
                sql = "INSERT INTO quorlock_demo_charges VALUES (?, ?, ?, ?)"
                self._execute(sql, (order, worker, token, amount_cents))
            self._connection.commit()
        return in_time

    def charges(self) -> dict[str, int]:
        """How often each order was charged."""
        with self._one_at_a_time:
            sql = "SELECT order_id, count(*) FROM quorlock_demo_charges GROUP BY order_id"
            counted = dict(self._execute(sql).fetchall())
            self._connection.commit()
        return counted

    def _pass_the_fence(self, order: str, token: int, begun: int) -> bool:
        return self._execute(PASS_THE_FENCE, (order, token, begun)).rowcount == 1

    def _execute(self, sql: str, values: tuple = ()):
        try:
            return self._connection.execute(sql.replace("?", self._placeholder), values)
        except Exception:
            self._connection.rollback()
            raise


def open_store(where: str) -> Store:
    """The store at a `postgresql://` URL or in an SQLite file."""
    if where.startswith(("postgresql://", "postgres://")):
        import psycopg

        return Store(psycopg.connect(where, connect_timeout=5), "%s")
    connection = sqlite3.connect(where, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return Store(connection, "?")
