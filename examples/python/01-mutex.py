"""One holder at a time: ten threads add to a counter that is read, and written back a moment later.

Without the lock most of the additions would be lost. Each thread has a client of its own, as if it
were a process of its own.
"""

from __future__ import annotations

import threading
import time

from nodes import nodes
from quorlock import Client

balance = 0


def add_ten() -> None:
    """Adds ten times one."""
    global balance
    with Client(nodes()) as client:
        account = client.mutex("example:account:7")
        for _ in range(10):
            # Waits in a queue, first in, first out over all clients, for up to 10 s.
            with account.using(timeout=10) as guard:
                seen = balance
                time.sleep(0.001)
                # Raises if the lock was lost meanwhile: then the write must not happen.
                guard.check()
                balance = seen + 1


threads = [threading.Thread(target=add_ten) for _ in range(10)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"balance {balance} of 100")
