"""Programs of their own, run by tests that need a whole process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path


def begin(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Starts a Python program with pipes for its input and output."""
    return subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(script), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )


def ended(process: subprocess.Popen[str], within: float = 30) -> tuple[int, str, str]:
    """Waits for its end: exit code, output, errors."""
    try:
        out, err = process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it hangs; it said {out!r} and {err!r}") from None
    return process.returncode, out, err


def run(script: str, *arguments: str, within: float = 30) -> tuple[int, str, str]:
    """Runs a Python program to its end."""
    return ended(begin(script, *arguments), within)
