"""The clients of the shop: they send the orders to the publisher when it is time, and insist."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from orders import Order

CLIENTS = 24
TRIES_MAX = 40
PAUSE_SECONDS = 0.25


class Sender:
    """Sends every order at its time; asks again where the publisher does not take it."""

    def __init__(
        self,
        orders: list[Order],
        port: int,
        pace: float,
        drill_of: Callable[[Order], str | None],
    ) -> None:
        self.sent = self.retried = self.given_up = 0
        self.last_error = ""
        self._orders, self._port, self._pace, self._drill_of = orders, port, pace, drill_of
        self._due: SimpleQueue[Order | None] = SimpleQueue()
        self._stop = threading.Event()
        self._count = threading.Lock()
        self._threads = [threading.Thread(target=self._client, daemon=True) for _ in range(CLIENTS)]
        self._threads.append(threading.Thread(target=self._clock, daemon=True))

    def start(self) -> None:
        """Begins with the first order."""
        for thread in self._threads:
            thread.start()

    @property
    def is_done(self) -> bool:
        """Whether every order was taken or given up."""
        return self.sent + self.given_up == len(self._orders)

    def stop(self) -> None:
        """Sends no more."""
        self._stop.set()

    def _clock(self) -> None:
        begun = time.monotonic()
        for order in self._orders:
            due = begun + order.at_ms / 1000 / self._pace
            if self._stop.wait(max(0.0, due - time.monotonic())):
                break
            self._due.put(order)
        for _ in range(CLIENTS):
            self._due.put(None)

    def _client(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._stop.is_set():
            try:
                order = self._due.get(timeout=0.5)
            except Empty:
                continue
            if order is None:
                return
            taken = self._insist(connection, order)
            with self._count:
                self.sent += taken
                self.given_up += not taken

    def _insist(self, connection: http.client.HTTPConnection, order: Order) -> bool:
        body = {
            "id": order.id,
            "customer": order.customer,
            "amountCents": order.amount_cents,
            "currency": order.currency,
            "channel": order.channel,
            "delayMs": order.delay_ms,
        }
        drill = self._drill_of(order)
        if drill:
            body["drill"] = drill
        for _ in range(TRIES_MAX):
            try:
                headers = {"Content-Type": "application/json"}
                connection.request("POST", "/orders", json.dumps(body), headers)
                answer = connection.getresponse()
                said = answer.read()
                if answer.status in (200, 202):
                    return True
                self.last_error = f"order {order.id}: {answer.status} {said[:200]!r}"
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self.last_error = f"order {order.id}: {error!r}"
            with self._count:
                self.retried += 1
            if self._stop.wait(PAUSE_SECONDS):
                return False
        return False
