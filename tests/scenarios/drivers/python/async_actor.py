"""The driver over the client of event loops: each request has a task of its own."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from typing import Any

import wire
from quorlock import AsyncClient, AsyncGuard, Ticket


class AsyncActor:
    """Clients and guards by the names the supervisor gave them."""

    def __init__(self) -> None:
        self._clients: dict[str, AsyncClient] = {}
        self._guards: dict[str, AsyncGuard] = {}
        self._under_way: dict[Any, asyncio.Task[None]] = {}

    def serve(self) -> None:
        """Answers until the end of stdin."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        lines: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def read() -> None:
            # A closed loop takes no more lines; nobody waits for them either.
            for line in iter(sys.stdin.readline, ""):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, "")

        threading.Thread(target=read, daemon=True).start()
        while line := await lines.get():
            request = json.loads(line)
            if request["do"] == "exit":
                sys.exit(request["code"])
            task = loop.create_task(self._answer(request))
            self._under_way[request["id"]] = task
        for client in self._clients.values():
            await client.close()

    async def _answer(self, request: dict[str, Any]) -> None:
        try:
            action = getattr(self, f"_do_{request['do']}", None)
            if action is None:
                raise LookupError(f"there is no {request['do']!r}")
            answer = {"ok": await action(request)}
        except asyncio.CancelledError:
            answer = {"error": wire.cancelled()}
        except Exception as raised:
            answer = {"error": wire.error(raised)}
        del self._under_way[request["id"]]
        wire.reply(request["id"], **answer)

    async def _do_hello(self, request: dict[str, Any]) -> Any:
        import quorlock

        return {"language": "python", "variant": "async", "version": quorlock.__version__}

    async def _do_connect(self, request: dict[str, Any]) -> None:
        client = AsyncClient(request["nodes"], **wire.options(request.get("options")))
        self._clients[request["client"]] = client

    async def _do_acquire(self, request: dict[str, Any]) -> Any:
        mutex = self._clients[request["client"]].mutex(request["resource"])
        return self._keep(request, await mutex.acquire(**wire.options(request.get("options"))))

    async def _do_try_acquire(self, request: dict[str, Any]) -> Any:
        mutex = self._clients[request["client"]].mutex(request["resource"])
        guard = await mutex.try_acquire(**wire.options_of_try(request.get("options")))
        return None if guard is None else self._keep(request, guard)

    async def _do_adopt(self, request: dict[str, Any]) -> Any:
        client = self._clients[request["client"]]
        adopting = client.adopt(
            Ticket.decode(request["ticket"]), **wire.options(request.get("options"))
        )
        return self._keep(request, await adopting)

    def _keep(self, request: dict[str, Any], guard: AsyncGuard) -> Any:
        self._guards[request["guard"]] = guard
        return wire.guard(guard)

    async def _do_cancel(self, request: dict[str, Any]) -> None:
        task = self._under_way.get(request["call"])
        if task is not None:
            task.cancel()

    async def _do_is_held(self, request: dict[str, Any]) -> bool:
        return self._guards[request["guard"]].is_held

    async def _do_remaining(self, request: dict[str, Any]) -> Any:
        return wire.whole_ms(self._guards[request["guard"]].remaining)

    async def _do_check(self, request: dict[str, Any]) -> None:
        self._guards[request["guard"]].check()

    async def _do_loss(self, request: dict[str, Any]) -> Any:
        return self._guards[request["guard"]].loss

    async def _do_wait_lost(self, request: dict[str, Any]) -> Any:
        lost = self._guards[request["guard"]].lost
        await lost.wait(wire.seconds(request["within_ms"]))
        return lost.reason

    async def _do_extend(self, request: dict[str, Any]) -> None:
        await self._guards[request["guard"]].extend()

    async def _do_release(self, request: dict[str, Any]) -> Any:
        return wire.released(await self._guards[request["guard"]].release())

    async def _do_drop(self, request: dict[str, Any]) -> None:
        self._guards.pop(request["guard"], None)

    async def _do_detach(self, request: dict[str, Any]) -> Any:
        guard = self._guards[request["guard"]]
        ticket = await guard.detach(wire.seconds(request.get("ttl_ms")))
        return {"ticket": ticket.encode()}

    async def _do_ticket(self, request: dict[str, Any]) -> Any:
        return wire.ticket(Ticket.decode(request["ticket"]))

    async def _do_inspect(self, request: dict[str, Any]) -> Any:
        client = self._clients[request["client"]]
        return wire.inspection(await client.inspect(request["resource"]))

    async def _do_health(self, request: dict[str, Any]) -> Any:
        return wire.health(await self._clients[request["client"]].health())

    async def _do_stats(self, request: dict[str, Any]) -> Any:
        return wire.stats(self._clients[request["client"]].stats())

    async def _do_close(self, request: dict[str, Any]) -> Any:
        return await self._clients[request["client"]].close(wire.seconds(request["limit_ms"]))

    async def _do_block(self, request: dict[str, Any]) -> None:
        time.sleep(request["ms"] / 1000)  # noqa: ASYNC251 - the loop shall be blocked
