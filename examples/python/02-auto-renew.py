"""Work that takes longer than the lease: the engine renews it in the background.

The ttl says how soon others may go on if this process dies, not how long the work may take. The
renewal has a thread of its own, so it goes on while this one is blocked, as the loop is here.
"""

from __future__ import annotations

import asyncio
import time

from nodes import nodes
from quorlock import AsyncClient

TTL = 1.0


async def main() -> None:
    """Works for four times the ttl."""
    async with AsyncClient(nodes()) as client:
        guard = await client.mutex("example:report").acquire(
            ttl=TTL,
            timeout=10,
            # A process that hangs for ever shall not hold the lock for ever.
            hold_max=60,
            on_lost=lambda guard: print(f"stop working: {guard.loss}"),
        )
        for step in range(1, 5):
            # Blocks the whole loop of this program on purpose.
            time.sleep(TTL)  # noqa: ASYNC251
            guard.check()
            print(f"{step * TTL:.1f} s of work, valid for another {guard.remaining:.3f} s")
        released = await guard.release()
        print(f"held four times the ttl, then {released.result}")


asyncio.run(main())
