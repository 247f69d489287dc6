"""The ledger: the service that books charges, for all languages, over HTTP on loopback.

    POST /begin?order=ID&token=N             -> open|charged|stale and how often it was begun
    POST /charge?order=ID&token=N&worker=NAME&amount_cents=N  -> accepted|stale
    GET  /charges                            -> {"ID": times, ...}

Started as `ledger.py FILE-OR-URL`; writes its port to standard output and ends with its standard input.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from store import Store, open_store


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store: Store

    def do_POST(self) -> None:
        """Begins or books."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            url = urlsplit(self.path)
            given = {name: values[0] for name, values in parse_qs(url.query).items()}
            order, token = given["order"], int(given["token"])
            if url.path == "/begin":
                state, begun = self.store.begin(order, token)
                self._answer(200, f"{state} {begun}\n")
            elif url.path == "/charge":
                amount_cents = int(given["amount_cents"])
                in_time = self.store.charge(order, token, given["worker"], amount_cents)
                self._answer(200, "accepted\n" if in_time else "stale\n")
            else:
                self._answer(404, "no such path\n")
        except (KeyError, ValueError):
            self._answer(400, "order, token and the like are needed\n")

    def do_GET(self) -> None:
        """All charges."""
        self._answer(200, json.dumps(self.store.charges()))

    def log_request(self, *_: object) -> None:
        """Nothing: hundreds of lines per second help nobody."""

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serves until standard input closes."""
    Handler.store = open_store(sys.argv[1])
    Handler.store.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"e": "ready", "port": server.server_port}), flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
