"""The driver over the client of threads: each request has a thread of its own."""

from __future__ import annotations

import ctypes
import json
import sys
import threading
from typing import Any

import wire
from quorlock import Client, Guard, Ticket

_interpreter = ctypes.PyDLL(None)


class CallCancelledError(BaseException):
    """Raised in a thread whose call is cancelled."""


class BlockingActor:
    """Clients and guards by the names the supervisor gave them."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self._guards: dict[str, Guard] = {}
        self._under_way: dict[Any, threading.Thread] = {}
        self._changing = threading.Lock()

    def serve(self) -> None:
        """Answers until the end of stdin."""
        for line in sys.stdin:
            request = json.loads(line)
            if request["do"] == "exit":
                sys.exit(request["code"])
            # A daemon: what it waits for shall not keep the program from its end.
            thread = threading.Thread(target=self._answer, args=(request,), daemon=True)
            with self._changing:
                self._under_way[request["id"]] = thread
            thread.start()
        for client in self._clients.values():
            client.close()

    def _answer(self, request: dict[str, Any]) -> None:
        number = request["id"]
        try:
            action = getattr(self, f"_do_{request['do']}", None)
            if action is None:
                raise LookupError(f"there is no {request['do']!r}")
            answer = {"ok": action(request)}
        except CallCancelledError:
            answer = {"error": wire.cancelled()}
        except Exception as raised:
            answer = {"error": wire.error(raised)}
        while True:
            try:
                with self._changing:
                    is_mine = self._under_way.pop(number, None) is not None
                if is_mine:
                    wire.reply(number, **answer)
                return
            except CallCancelledError:
                # The cancel came when the call had ended.
                continue

    def _do_hello(self, request: dict[str, Any]) -> Any:
        import quorlock

        return {"language": "python", "variant": "blocking", "version": quorlock.__version__}

    def _do_connect(self, request: dict[str, Any]) -> None:
        client = Client(request["nodes"], **wire.options(request.get("options")))
        self._clients[request["client"]] = client

    def _do_acquire(self, request: dict[str, Any]) -> Any:
        mutex = self._clients[request["client"]].mutex(request["resource"])
        return self._keep(request, mutex.acquire(**wire.options(request.get("options"))))

    def _do_try_acquire(self, request: dict[str, Any]) -> Any:
        mutex = self._clients[request["client"]].mutex(request["resource"])
        guard = mutex.try_acquire(**wire.options_of_try(request.get("options")))
        return None if guard is None else self._keep(request, guard)

    def _do_adopt(self, request: dict[str, Any]) -> Any:
        client = self._clients[request["client"]]
        ticket = Ticket.decode(request["ticket"])
        return self._keep(request, client.adopt(ticket, **wire.options(request.get("options"))))

    def _keep(self, request: dict[str, Any], guard: Guard) -> Any:
        self._guards[request["guard"]] = guard
        return wire.guard(guard)

    def _do_cancel(self, request: dict[str, Any]) -> None:
        with self._changing:
            thread = self._under_way.get(request["call"])
            if thread is not None and thread.ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread.ident), ctypes.py_object(CallCancelledError)
                )

    def _do_is_held(self, request: dict[str, Any]) -> bool:
        return self._guards[request["guard"]].is_held

    def _do_remaining(self, request: dict[str, Any]) -> Any:
        return wire.whole_ms(self._guards[request["guard"]].remaining)

    def _do_check(self, request: dict[str, Any]) -> None:
        self._guards[request["guard"]].check()

    def _do_loss(self, request: dict[str, Any]) -> Any:
        return self._guards[request["guard"]].loss

    def _do_wait_lost(self, request: dict[str, Any]) -> Any:
        lost = self._guards[request["guard"]].lost
        lost.wait(wire.seconds(request["within_ms"]))
        return lost.reason

    def _do_extend(self, request: dict[str, Any]) -> None:
        self._guards[request["guard"]].extend()

    def _do_release(self, request: dict[str, Any]) -> Any:
        return wire.released(self._guards[request["guard"]].release())

    def _do_drop(self, request: dict[str, Any]) -> None:
        self._guards.pop(request["guard"], None)

    def _do_detach(self, request: dict[str, Any]) -> Any:
        ticket = self._guards[request["guard"]].detach(wire.seconds(request.get("ttl_ms")))
        return {"ticket": ticket.encode()}

    def _do_ticket(self, request: dict[str, Any]) -> Any:
        return wire.ticket(Ticket.decode(request["ticket"]))

    def _do_inspect(self, request: dict[str, Any]) -> Any:
        return wire.inspection(self._clients[request["client"]].inspect(request["resource"]))

    def _do_health(self, request: dict[str, Any]) -> Any:
        return wire.health(self._clients[request["client"]].health())

    def _do_stats(self, request: dict[str, Any]) -> Any:
        return wire.stats(self._clients[request["client"]].stats())

    def _do_close(self, request: dict[str, Any]) -> Any:
        return self._clients[request["client"]].close(wire.seconds(request["limit_ms"]))

    def _do_block(self, request: dict[str, Any]) -> None:
        # Called with the GIL held: nothing of Python runs meanwhile.
        _interpreter.usleep(request["ms"] * 1000)
