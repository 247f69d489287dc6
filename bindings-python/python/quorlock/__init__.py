"""Distributed locks over N independent Redis or Valkey servers, for threads and asyncio.

One Redlock engine, written in Rust and shared with the Rust, Node and C packages: a lock is held on
a majority of the nodes or not at all, waiters stand in a queue and are woken, renewal goes on while
Python is busy, and every lease carries a fencing token.

>>> from quorlock import Client
>>> client = Client(["memory://doc"])  # five redis:// URLs in production
>>> with client.mutex("invoice:42") as guard:
...     guard.check()  # before each step that needs the lock
>>> client.close()
True
"""

from quorlock._quorlock import __version__
from quorlock.async_client import AsyncClient, AsyncMutex
from quorlock.async_election import AsyncElection
from quorlock.async_guard import AsyncGuard, AsyncLostEvent
from quorlock.async_once import AsyncOnce
from quorlock.async_several import AsyncMulti, AsyncSemaphore
from quorlock.client import Client, Mutex
from quorlock.election import Election
from quorlock.errors import (
    ClientClosedError,
    ConfigError,
    Fault,
    ForkedProcessError,
    InternalError,
    InvalidArgumentError,
    LeaseLostError,
    LockContendedError,
    LockTimeoutError,
    NodeOutcome,
    NotHeldError,
    ProtocolError,
    QuorlockError,
    QuorumUnavailableError,
)
from quorlock.guard import Guard, LostEvent
from quorlock.once import Once
from quorlock.options import ClientOptions
from quorlock.reports import (
    Event,
    Health,
    HealthWarning,
    Inspection,
    NodeHealth,
    NodeView,
    Released,
    Stats,
)
from quorlock.several import Multi, Semaphore
from quorlock.ticket import Ticket

__all__ = [
    "AsyncClient",
    "AsyncElection",
    "AsyncGuard",
    "AsyncLostEvent",
    "AsyncMulti",
    "AsyncMutex",
    "AsyncOnce",
    "AsyncSemaphore",
    "Client",
    "ClientClosedError",
    "ClientOptions",
    "ConfigError",
    "Election",
    "Event",
    "Fault",
    "ForkedProcessError",
    "Guard",
    "Health",
    "HealthWarning",
    "Inspection",
    "InternalError",
    "InvalidArgumentError",
    "LeaseLostError",
    "LockContendedError",
    "LockTimeoutError",
    "LostEvent",
    "Multi",
    "Mutex",
    "NodeHealth",
    "NodeOutcome",
    "NodeView",
    "NotHeldError",
    "Once",
    "ProtocolError",
    "QuorlockError",
    "QuorumUnavailableError",
    "Released",
    "Semaphore",
    "Stats",
    "Ticket",
    "__version__",
]
