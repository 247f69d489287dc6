"""The examples, as a user runs them: over an embedded node, and over real servers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from servers import Servers

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
ENDS = {
    "01-mutex.py": "balance 100 of 100",
    "02-auto-renew.py": "held four times the ttl, then released",
    "03-try-lock.py": "scheduler 2: free again",
    "04-handoff.py": "delivered later: the ticket was used and its work is done: a duplicate can stop",
    "05-fencing.py": "stored: by quick",
    "06-decorator.py": "charged True",
}


def test_all_are_listed() -> None:
    assert {path.name for path in EXAMPLES.glob("0*.py")} == set(ENDS)


@pytest.mark.parametrize("example", ENDS)
@pytest.mark.parametrize("over", ["memory", "servers"])
def test_examples(example: str, over: str, five: Servers) -> None:
    environment = dict(os.environ)
    environment.pop("QUORLOCK_NODES", None)
    if over == "servers":
        environment["QUORLOCK_NODES"] = ",".join(five.urls)
    done = subprocess.run(
        [sys.executable, example],
        cwd=EXAMPLES,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == ENDS[example]
