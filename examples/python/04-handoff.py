"""Hand a held lock to whoever does the work: the publisher locks, the consumer releases.

Between the two there is no moment in which the resource is free, and of all who get the same
ticket, because a queue delivers at least once, one goes on with the lock. With Celery, RQ, arq or
Dramatiq, `quorlock.integrations` does this for you.
"""

from __future__ import annotations

from nodes import nodes
from quorlock import Client, NotHeldError, Ticket

publisher, consumer, twin = (Client(nodes()) for _ in range(3))

guard = publisher.mutex("example:payment:42").acquire(timeout=10)
before = guard.fencing_token or 0
# Good for 30 s in the queue; the publisher's guard ends here.
ticket = guard.detach(ttl=30)
print(f"publisher: ticket {ticket.id} for {ticket.resource}")

# A secret like the lock itself: into the job's data with it, not into a log.
job = ticket.encode()

with consumer.adopt(Ticket.decode(job)) as adopted:
    print("consumer: has the lock, and a larger token:", (adopted.fencing_token or 0) > before)
    try:
        twin.adopt(Ticket.decode(job))
    except NotHeldError as refused:
        print("delivered twice:", refused.message)

try:
    twin.adopt(Ticket.decode(job))
except NotHeldError as refused:
    print("delivered later:", refused.message)
