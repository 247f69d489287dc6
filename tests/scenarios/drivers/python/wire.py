"""The supervisor's JSON as the package's arguments, and its objects as JSON."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from quorlock import (
    AsyncGuard,
    Guard,
    Health,
    Inspection,
    NodeOutcome,
    NodeView,
    QuorlockError,
    Released,
    Stats,
    Ticket,
)

Json = Any

NAMES = {
    "ttl_ms": "ttl",
    "wait_ms": "timeout",
    "hold_ms_max": "hold_max",
    "node_timeout_ms": "node_timeout",
    "connect_timeout_ms": "connect_timeout",
    "ticket_retention_ms": "ticket_retention",
}

_writing = threading.Lock()


def reply(number: Json, **rest: Json) -> None:
    """Writes one reply."""
    line = json.dumps({"id": number, **rest})
    with _writing:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def options(given: dict[str, Json] | None) -> dict[str, Any]:
    """Options by their Python names; what is out of bounds or of the wrong type stays so."""
    return {
        NAMES.get(name, name): seconds(value) if name in NAMES else value
        for name, value in (given or {}).items()
    }


def options_of_try(given: dict[str, Json] | None) -> dict[str, Any]:
    """The same for a call that does not wait and so takes no timeout."""
    chosen = options(given)
    chosen.pop("timeout", None)
    return chosen


def seconds(ms: Json) -> Any:
    """Milliseconds as seconds; what is no number stays as it is."""
    if isinstance(ms, bool) or not isinstance(ms, int | float):
        return ms
    try:
        return ms / 1000
    except OverflowError:
        return ms


def whole_ms(span: float | None) -> int | None:
    """Seconds as whole milliseconds."""
    return None if span is None else int(span * 1000)


def guard(held: Guard | AsyncGuard) -> Json:
    """A guard."""
    return {
        "resource": held.resource,
        "fencing_token": held.fencing_token,
        "remaining_ms": whole_ms(held.remaining),
        "is_adopted": held.is_adopted,
    }


def ticket(given: Ticket) -> Json:
    """What a ticket says."""
    return {
        "id": given.id,
        "resource": given.resource,
        "ttl_ms": round(given.ttl * 1000),
        "fencing_token": given.fencing_token,
    }


def released(done: Released) -> Json:
    """A release."""
    return {"result": done.result, "nodes": [outcome.node for outcome in done.outcomes]}


def inspection(shown: Inspection) -> Json:
    """Who holds a resource."""

    def view(node: NodeView) -> Json:
        return {
            "node": node.node,
            "owner": node.owner,
            "remaining_ms": whole_ms(node.remaining),
            "fencing_counter": node.fencing_counter,
            "waiters": node.waiters,
            "fault": node.fault and node.fault.kind,
        }

    nodes = [view(node) for node in shown.nodes]
    return {"holder": shown.holder, "quorum": shown.quorum, "nodes": nodes}


def health(report: Health) -> Json:
    """How the nodes are."""
    return {
        "has_quorum": report.has_quorum,
        "quorum": report.quorum,
        "nodes": [
            {"node": node.node, "fault": node.fault and node.fault.kind} for node in report.nodes
        ],
        "warnings": [{"name": warning.name, "message": warning.message} for warning in report.warnings],
    }


def stats(counted: Stats) -> Json:
    """What a client did."""
    names = ["acquired", "contended", "failed", "renewed", "lost", "released", "detached", "adopted"]
    return {name: getattr(counted, name) for name in names}


def error(raised: BaseException) -> Json:
    """An error, of the package or of this driver."""
    if not isinstance(raised, QuorlockError):
        message = f"{type(raised).__name__}: {raised}"
        return _error("DRIVER", message)
    found = _error(type(raised).code, str(raised))
    found["outcomes"] = [_outcome(outcome) for outcome in raised.outcomes]
    for name in ("field", "resource", "operation", "attempts"):
        found[name] = getattr(raised, name)
    return found


def cancelled() -> Json:
    """The error of a call that was cancelled."""
    return _error("QUORLOCK_CANCELLED", "cancelled")


def _error(code: str, message: str) -> dict[str, Json]:
    return {
        "code": code,
        "field": None,
        "resource": None,
        "operation": None,
        "attempts": 0,
        "message": message,
        "outcomes": [],
    }


def _outcome(outcome: NodeOutcome) -> Json:
    fault = outcome.fault and outcome.fault.kind
    return {"node": outcome.node, "status": outcome.status, "fault": fault}
