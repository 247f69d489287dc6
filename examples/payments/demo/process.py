"""Processes that end with the demo, whatever ends it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

PR_SET_PDEATHSIG = 1


def _before_exec() -> None:
    """In a child, before its program begins."""
    # Ctrl-C is for the demo, which ends its processes itself.
    os.setpgid(0, 0)
    if sys.platform == "linux":
        # The kernel ends it with us.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A program whose lines of JSON go into `news` as (name, value)."""

    def __init__(
        self,
        name: str,
        command: list[str],
        log: Path,
        news: queue.Queue | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.killed = False
        self._command, self._log, self._news, self._env = command, log, news, env
        self._child: subprocess.Popen | None = None

    def add_env(self, env: dict[str, str]) -> None:
        """More of its environment, for the next start."""
        self._env = (self._env or {}) | env

    def start(self) -> None:
        """Starts it, also again. Only on the main thread: the child's life is tied to it."""
        self.killed = False
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if self._news else log,
                stderr=log,
                env=os.environ | (self._env or {}),
                preexec_fn=_before_exec,
            )
        if self._news:
            threading.Thread(target=self._listen, args=(self._child,), daemon=True).start()

    def _listen(self, child: subprocess.Popen) -> None:
        for line in child.stdout:
            with contextlib.suppress(ValueError):
                self._news.put((self.name, json.loads(line)))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._child is not None and self._child.poll() is None

    def signal(self, number: int) -> None:
        """Sends a signal, if it still runs."""
        if self.is_running:
            self._child.send_signal(number)

    def kill(self) -> None:
        """Ends it at once, paused or not."""
        self.killed = True
        self.signal(signal.SIGKILL)
        if self._child:
            self._child.wait()

    def ask_to_end(self) -> None:
        """Asks it to end; `close` sees to it."""
        self.signal(signal.SIGTERM)
        if self._child:
            with contextlib.suppress(OSError):
                self._child.stdin.close()

    def close(self, seconds: float = 8.0) -> None:
        """Asks it to end, and ends it if it does not."""
        if self._child is None:
            return
        self.ask_to_end()
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def complaint(self) -> str:
        """The last lines of what it complained of."""
        try:
            lines = self._log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-12:])
