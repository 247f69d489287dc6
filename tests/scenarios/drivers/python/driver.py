"""The Python driver of the scenarios: ``driver.py blocking`` or ``driver.py async``."""

from __future__ import annotations

import logging
import sys

from async_actor import AsyncActor
from blocking_actor import BlockingActor

ACTORS: dict[str, type[AsyncActor | BlockingActor]] = {"blocking": BlockingActor, "async": AsyncActor}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ACTORS:
        sys.exit("usage: driver.py blocking|async")
    # Everything the library logs: the supervisor looks for secrets in it.
    logging.basicConfig(stream=sys.stderr, level=1)
    ACTORS[sys.argv[1]]().serve()
