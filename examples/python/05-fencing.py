"""The store has the last word: a holder that comes too late is refused by its token.

No lock service can stop a process that sleeps between its last look at the lock and its write.
Tokens only grow, so a store that remembers the largest can tell who is late.
"""

from __future__ import annotations

import sqlite3

from nodes import nodes
from quorlock import Client, Guard

store = sqlite3.connect(":memory:")
store.execute("CREATE TABLE document (text TEXT, token INTEGER)")
store.execute("INSERT INTO document VALUES ('', 0)")


def write(guard: Guard, text: str) -> bool:
    """Writes unless a later holder has written: one statement, so that nobody comes between."""
    update = "UPDATE document SET text = ?1, token = ?2 WHERE token < ?2"
    return store.execute(update, (text, guard.fencing_token)).rowcount == 1


slow, quick = Client(nodes()), Client(nodes())

# Without renewal, as if the process were paused before the renewal could run.
late = slow.mutex("example:document").acquire(timeout=10, ttl=0.1, renew=False)
late.lost.wait()
print("slow:", late.loss)

with quick.mutex("example:document").using(timeout=10) as guard:
    print("quick: written", write(guard, "by quick"))

# It did not look, or looked before the pause: the store knows better.
print("slow: written", write(late, "by slow"))
print("stored:", *store.execute("SELECT text FROM document").fetchone())
