"""Quorlock and its peers behind one face: ``with hold(name)`` and ``async with hold(name)``."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aioredlock
import pottery
import redis
import redis.asyncio
import redlock
from quorlock import AsyncClient, Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

TTL = 10.0
PATIENCE = 600

logging.getLogger("pottery").setLevel(logging.CRITICAL)
# aioredlock leaves tasks behind when its loop ends.
logging.getLogger("asyncio").setLevel(logging.CRITICAL)


class Blocking:
    """One library over some nodes, for threads."""

    peers = ("pottery", "redlock-ng")

    def __init__(self, library: str, urls: list[str]) -> None:
        self._library = library
        match library:
            case "quorlock":
                self._client: Any = Client(urls, ttl=TTL, timeout=PATIENCE)
            case "pottery":
                self._client = {redis.Redis.from_url(url) for url in urls}
            case "redlock-ng":
                # Its default of 0.1 s per socket gives up under load.
                config = redlock.RedlockConfig(masters=urls, socket_timeout=5.0)
                self._client = redlock.Redlock(config)
            case "redis-py":
                (url,) = urls
                self._client = redis.Redis.from_url(url)

    @contextlib.contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Holds the lock of this name, however long it takes to get it."""
        match self._library:
            case "quorlock":
                with self._client.mutex(name):
                    yield
            case "pottery":
                with pottery.Redlock(key=name, masters=self._client, auto_release_time=TTL):
                    yield
            case "redlock-ng":
                with self._client.lock(name, int(TTL * 1000), blocking=True):
                    yield
            case "redis-py":
                with self._client.lock(name, timeout=TTL):
                    yield


class Async:
    """One library over some nodes, for an event loop."""

    peers = ("pottery", "redlock-ng", "aioredlock")

    def __init__(self, library: str, urls: list[str]) -> None:
        self._library = library
        match library:
            case "quorlock":
                self._client: Any = AsyncClient(urls, ttl=TTL, timeout=PATIENCE)
            case "pottery":
                self._client = {redis.asyncio.Redis.from_url(url) for url in urls}
            case "redlock-ng":
                config = redlock.RedlockConfig(masters=urls, socket_timeout=5.0)
                self._client = redlock.AsyncRedlock(config)
            case "aioredlock":
                hosts = [urlsplit(url) for url in urls]
                nodes = [{"host": host.hostname, "port": host.port} for host in hosts]
                self._client = aioredlock.Aioredlock(
                    nodes, retry_count=10_000, internal_lock_timeout=TTL
                )
            case "redis-py":
                (url,) = urls
                self._client = redis.asyncio.Redis.from_url(url)

    @contextlib.asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """Holds the lock of this name, however long it takes to get it."""
        match self._library:
            case "quorlock":
                async with self._client.mutex(name):
                    yield
            case "pottery":
                lock = pottery.AIORedlock(key=name, masters=self._client, auto_release_time=TTL)
                async with lock:
                    yield
            case "redlock-ng":
                async with self._client.lock(name, int(TTL * 1000), blocking=True):
                    yield
            case "aioredlock":
                async with await self._client.lock(name):
                    yield
            case "redis-py":
                async with self._client.lock(name, timeout=TTL):
                    yield

    async def close(self) -> None:
        """Ends its connections."""
        match self._library:
            case "quorlock":
                await self._client.close()
            case "aioredlock":
                await self._client.destroy()
            case "redlock-ng":
                for one in self._client.client.instances:
                    await one.aclose()
            case "pottery":
                for one in self._client:
                    await one.aclose()
            case _:
                await self._client.aclose()
