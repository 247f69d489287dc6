"""The servers of the examples."""

from __future__ import annotations

import os


def nodes() -> list[str]:
    """The servers named in QUORLOCK_NODES, or one embedded node where it is not set."""
    named = os.environ.get("QUORLOCK_NODES", "memory://")
    return [url.strip() for url in named.split(",")]
