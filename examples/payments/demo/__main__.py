"""Payments through real queues in three languages, with locks and without.

Starts five lock nodes and a queue server, a NestJS publisher, two NestJS processors, two Python workers and a
C settlement service, sends them the orders, and lets things go wrong meanwhile. Exit code 0: every payment
was charged exactly once. 1: not so. 2: an argument or the orders are wrong, and nothing was charged.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import report
from crew import WORKERS, Crew, CrewError
from generate import generate
from orders import Order, OrdersError, read
from run import Run, Runner
from servers import ServerError, Servers, ping
from timeline import Timeline

ROOT = Path(__file__).resolve().parents[3]
QUICK_REQUESTS = 330
QUICK_PACE = 0.45


class UsageError(ValueError):
    """An argument is wrong."""


def main() -> int:
    """The exit code."""
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="quorlock-payments-"))
    try:
        orders = orders_of(arguments)
        check(arguments)
        return demo(arguments, orders, folder)
    except (OrdersError, UsageError) as error:
        print(f"payments: {error}", file=sys.stderr)
        return 2
    except (ServerError, CrewError) as error:
        print(f"payments: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def parse() -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(
        prog="payments", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--orders", type=Path, metavar="FILE", help="JSON lines, or .csv [default: the file of the example]")
    add("--seed", type=int, help="make orders from this seed instead")
    add(
        "--nodes", default="", metavar="URL,URL", help="lock nodes of yours; the demo then does not harm them"
    )
    add("--queue", metavar="URL", help="a queue server of yours, redis://host:port")
    add("--ledger", metavar="URL", help="a postgresql:// database for the ledger [default: SQLite]")
    add("--quick", action="store_true", help="a few hundred orders only, in half a minute")
    add(
        "--out", type=Path, default=ROOT / "target/payments", help="where the timeline goes [target/payments]"
    )
    return parser.parse_args()


def orders_of(arguments: argparse.Namespace) -> list[Order]:
    """The orders to send."""
    if arguments.seed is not None:
        if arguments.orders:
            raise UsageError("--orders and --seed: only one of them")
        rows = generate(arguments.seed)
        orders = [Order(line=line, **row) for line, row in enumerate(rows, 1)]
    else:
        orders = read(arguments.orders or ROOT / "examples/payments/orders.jsonl")
    return orders[:QUICK_REQUESTS] if arguments.quick else orders


def check(arguments: argparse.Namespace) -> None:
    """Everything that is given is there, before anything is started."""
    from quorlock import Client, QuorlockError

    nodes = [url.strip() for url in arguments.nodes.split(",")] if arguments.nodes else []
    arguments.node_urls = nodes
    if nodes:
        try:
            with Client(nodes) as client:
                health = client.health()
        except QuorlockError as error:
            raise UsageError(f"--nodes: {error}") from error
        if not health.has_quorum:
            silent = [f"{node.node} ({node.fault})" for node in health.nodes if node.fault]
            raise UsageError(f"--nodes: no majority answers; these do not: {', '.join(silent)}")
    if arguments.queue is not None and not ping(arguments.queue):
        raise UsageError("--queue: no server answers there; it must be redis://host:port")
    if arguments.ledger is not None:
        check_ledger(arguments.ledger)


def check_ledger(url: str) -> None:
    """A database that can be reached."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise UsageError("--ledger: must be a postgresql:// URL")
    try:
        import psycopg
    except ImportError as error:
        raise UsageError("--ledger: needs psycopg: .venv/bin/pip install 'psycopg[binary]'") from error
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as error:
        # The text of the driver may repeat the password.
        raise UsageError(f"--ledger: cannot be reached ({type(error).__name__})") from error


def demo(arguments: argparse.Namespace, orders: list[Order], folder: Path) -> int:
    """Both runs, and what came of them."""
    pace = QUICK_PACE if arguments.quick else 1.0
    locked = run_once("With Quorlock", arguments, orders, folder / "locked", pace, locks=True)
    print(report.with_locks(locked.outcome, locked.journal, locked.retried))
    arguments.out.mkdir(parents=True, exist_ok=True)
    picture = arguments.out / "timeline.svg"
    Timeline(locked.journal, WORKERS, locked.stories).write(picture)
    print(f"\nWho held what, as a picture: {picture}\n", flush=True)
    # The same requests, twice as fast, as nothing has to wait for a lock to run out.
    unlocked = run_once("Without locks", arguments, orders, folder / "unlocked", pace * 2, locks=False)
    print(report.without_locks(unlocked.outcome))
    print(report.verdict(locked.outcome))
    return 0 if locked.outcome.is_exactly_once else 1


def run_once(
    title: str, arguments: argparse.Namespace, orders: list[Order], folder: Path, pace: float, locks: bool
) -> Run:
    """One run with servers and processes of its own."""
    servers = Servers(ROOT, folder / "servers", arguments.node_urls, arguments.queue)
    try:
        ledger = arguments.ledger or str(folder / "ledger.sqlite")
        crew = Crew(ROOT, sys.executable, folder / "logs", servers, ledger, locks)
        try:
            crew.start()
            return Runner(title, orders, pace, crew, servers).run()
        finally:
            crew.close()
    finally:
        servers.close()


if __name__ == "__main__":
    sys.exit(main())
