"""The guards of ``with lock:``: each leaves where it entered."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quorlock.async_guard import AsyncGuard
    from quorlock.guard import Guard

__all__ = ["AsyncEntered", "Entered"]


class Entered:
    """The guards of ``with lock:``, thread by thread."""

    def __init__(self) -> None:
        self._guards: dict[int, list[Guard]] = {}

    def push(self, guard: Guard) -> Guard:
        self._guards.setdefault(threading.get_ident(), []).append(guard)
        return guard

    def pop(self) -> Guard:
        thread = threading.get_ident()
        guards = self._guards[thread]
        guard = guards.pop()
        if not guards:
            del self._guards[thread]
        return guard


class AsyncEntered:
    """The guards of ``async with lock:``, task by task."""

    def __init__(self) -> None:
        self._guards: dict[asyncio.Task[Any] | None, list[AsyncGuard]] = {}

    def push(self, guard: AsyncGuard) -> AsyncGuard:
        self._guards.setdefault(asyncio.current_task(), []).append(guard)
        return guard

    def pop(self) -> AsyncGuard:
        task = asyncio.current_task()
        if task not in self._guards and len(self._guards) == 1:
            # Test fixtures, for one, leave a block in another task than they entered it.
            task = next(iter(self._guards))
        guards = self._guards[task]
        guard = guards.pop()
        if not guards:
            del self._guards[task]
        return guard
