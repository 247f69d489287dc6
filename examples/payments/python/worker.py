"""A payment worker in Python: takes jobs from a Redis stream, one lock for each payment.

A stream delivers at least once: a job that is not acknowledged in time goes to another worker, also where
the first one still works on it. The lock makes that harmless.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import threading
import time
from urllib.parse import urlencode

import redis
from quorlock import Client, Guard, LeaseLostError, NotHeldError, QuorlockError, Ticket

NAME = os.environ["PAYMENTS_WORKER"]
LOCKS = os.environ["PAYMENTS_LOCKS"] == "on"
TTL_SECONDS = int(os.environ["PAYMENTS_TTL_MS"]) / 1000
STREAM, GROUP = os.environ["PAYMENTS_STREAM"], "workers"
THREADS = 6
REDELIVER_AFTER_MS = 3_000

stop = threading.Event()
output = threading.Lock()


def tell(event: str, order: str = "", **more: object) -> None:
    """Tells the demo what happened: one line of JSON."""
    line = json.dumps({"t": time.time() * 1000, "e": event, "o": order, **more})
    with output:
        print(line, flush=True)


class Ledger:
    """The ledger service, over one connection."""

    def __init__(self) -> None:
        self._connection = http.client.HTTPConnection(os.environ["PAYMENTS_LEDGER"], timeout=10)

    def begin(self, order: str, token: int) -> tuple[str, int]:
        """`open`, `charged` or `stale`, and how often this payment was begun."""
        state, begun = self._post("/begin", order=order, token=token).split()
        return state, int(begun)

    def charge(self, order: str, token: int, amount_cents: int) -> bool:
        """Books the charge; false where the token came too late."""
        values = {"order": order, "token": token, "amount_cents": amount_cents, "worker": NAME}
        return self._post("/charge", **values) == "accepted"

    def _post(self, path: str, **values: object) -> str:
        self._connection.request("POST", f"{path}?{urlencode(values)}")
        return self._connection.getresponse().read().decode().strip()


class Payments:
    """Pays one job after the other, on one thread."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ledger = Ledger()

    def pay(self, job: dict[str, str]) -> bool:
        """Whether the job is done with; if not, it has to be delivered again."""
        order = job["order"]
        if not LOCKS:
            return self._charge(job, None)
        guard = self._take(order, job["ticket"])
        if guard is None:
            tell("retry", order)
            return False
        try:
            return self._charge(job, guard)
        except LeaseLostError:
            tell("lost", order, how="the check before the write")
            return False
        finally:
            guard.release()
            tell("released", order)

    def _take(self, order: str, ticket: str) -> Guard | None:
        """The publisher's lock, or a new one where the ticket is dead; None where somebody has it."""
        begun = time.monotonic()
        try:
            guard = self._client.adopt(Ticket.decode(ticket), ttl=TTL_SECONDS)
            event = "adopted"
        except NotHeldError as error:
            tell("refused", order, why=why(error))
            guard = self._client.mutex(f"payment:{order}").try_acquire()
            event = "afresh"
        if guard is not None:
            tell(event, order, wait_ms=(time.monotonic() - begun) * 1000)
        return guard

    def _charge(self, job: dict[str, str], guard: Guard | None) -> bool:
        order, token = job["order"], (guard.fencing_token or 0) if guard else 0
        state, begun = self._ledger.begin(order, token)
        if state == "charged":
            tell("already", order)
            return True
        if state == "stale":
            return self._came_too_late(order)
        if job["drill"] in ("stand-still", "freeze") and begun == 1:
            # The demo kills this worker here, or stops it for longer than the ttl: in the middle of a
            # payment, with the lock in its hand.
            tell("standing", order)
            time.sleep(60 if job["drill"] == "stand-still" else 1)
        # The payment provider takes its time.
        time.sleep(int(job["provider_ms"]) / 1000)
        if guard:
            guard.check()
        if not self._ledger.charge(order, token, int(job["amount_cents"])):
            return self._came_too_late(order)
        tell("charged", order)
        return True

    def _came_too_late(self, order: str) -> bool:
        """Somebody else has begun since; whether they come to an end, a redelivery will tell."""
        tell("stale", order)
        tell("lost", order, how="the ledger, by its token")
        return False


def why(error: NotHeldError) -> str:
    """Why a ticket was refused, in the same words in every language."""
    said = {outcome.status for outcome in error.outcomes}
    if "spent" in said:
        return "the ticket is used up"
    return "another worker is at it" if "held_by_another" in said else "the ticket has run out"


def consume(queue: redis.Redis, payments: Payments, number: int) -> None:
    """Takes jobs until told to stop; the first thread also takes what others left."""
    look_at = time.monotonic()
    while not stop.is_set():
        jobs = []
        if number == 0 and time.monotonic() >= look_at:
            look_at = time.monotonic() + 1
            jobs = queue.xautoclaim(STREAM, GROUP, NAME, REDELIVER_AFTER_MS, "0-0", count=10)[1]
        if not jobs:
            streams = queue.xreadgroup(GROUP, NAME, {STREAM: ">"}, count=1, block=200)
            jobs = streams[0][1] if streams else []
        for identity, job in jobs:
            try:
                done = payments.pay(job)
            except (QuorlockError, OSError, http.client.HTTPException) as error:
                print(f"{NAME}: {job['order']}: {error!r}", file=sys.stderr)
                tell("failed", job["order"])
                done = False
            if done:
                queue.xack(STREAM, GROUP, identity)


def main() -> None:
    """Works until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    nodes = os.environ["QUORLOCK_NODES"].split(",")
    queue = redis.Redis.from_url(os.environ["PAYMENTS_QUEUE"], decode_responses=True, protocol=2)
    prefix = os.environ["QUORLOCK_KEY_PREFIX"]
    with Client(nodes, ttl=TTL_SECONDS, key_prefix=prefix, owner=NAME, fencing="required") as client:
        threads = [
            threading.Thread(target=consume, args=(queue, Payments(client), number))
            for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        tell("ready")
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
