"""Do not wait: a job that somebody else does already need not be done again.

That somebody else holds the lock is a result; that too few servers answer is an error.
"""

from __future__ import annotations

from nodes import nodes
from quorlock import Client

JOB = "example:nightly-report"

# Two schedulers, as on two machines; the owner text is what `inspect` shows.
first = Client(nodes(), owner="scheduler 1")
second = Client(nodes(), owner="scheduler 2")

guard = first.mutex(JOB).try_acquire()
if guard is None:
    print("another run of this example is at it")
else:
    with guard:
        print("scheduler 1: starts the report")
        if second.mutex(JOB).try_acquire() is None:
            holder = second.inspect(JOB).holder
            print(f"scheduler 2: nothing to do, held by {holder}")
    free = second.mutex(JOB).try_acquire()
    print("scheduler 2:", "still held" if free is None else "free again")
