"""Who hears what the engine tells beside the results of calls: losses and events.

The compiled module names a guard or a client by a number; here the number finds the object. Only
weakly: a callback that knows its own guard or client keeps neither alive.
"""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from weakref import WeakValueDictionary

from quorlock._quorlock import NativeClient
from quorlock.reports import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from quorlock.options import ClientOptions, Span

logger = logging.getLogger("quorlock")

# Levels below which the engine does not even tell of an event.
_EVERYTHING = 0
_DEBUG = logging.DEBUG
_INFO = logging.INFO


EventParts: TypeAlias = tuple[Any, str, str, float, int, int]


class Listener(Protocol):
    """Hears what is told under its key."""

    def hear(self, told: Any) -> None:
        """What was told: a reason of loss, or the parts of an event."""


_keys = itertools.count(1)
_listeners: WeakValueDictionary[int, Listener] = WeakValueDictionary()


def enlist(listener: Listener) -> int:
    """A key under which ``listener`` hears, as long as somebody else keeps it."""
    key = next(_keys)
    _listeners[key] = listener
    return key


def tell(rest: Iterable[tuple[str, int, Any]]) -> None:
    """Tells each listener what a drain left over."""
    for kind, key, told in rest:
        if kind == "dropped":
            logger.warning("%d events were dropped: they came faster than they were heard", told)
            continue
        listener = _listeners.get(key)
        if listener is not None:
            listener.hear(told)


def called_back(callback: Callable[[Any], object], argument: object) -> None:
    """Calls a callback of the user; what it raises is logged, for it has no caller to raise to."""
    try:
        callback(argument)
    except Exception:
        logger.exception("a callback raised")


class Reporter:
    """Logs the events of one client and passes them to its ``on_event``."""

    def __init__(self, on_event: Callable[[Event], object] | None) -> None:
        self.on_event = on_event
        self.key = enlist(self)
        self.level_min = self._wanted()

    def _wanted(self) -> int:
        if self.on_event is not None:
            return _EVERYTHING
        return _DEBUG if logger.isEnabledFor(_DEBUG) else _INFO

    def client(
        self, nodes: Iterable[str], options: ClientOptions, silence_max: Span | None
    ) -> NativeClient:
        """The engine's client, whose events are heard here."""
        return NativeClient(nodes, dict(options), self.key, self.level_min, silence_max)

    def follow(self, native: NativeClient) -> None:
        """Follows the logger's level, which may be set long after the client was made."""
        wanted = self._wanted()
        if wanted != self.level_min:
            self.level_min = wanted
            native.listen(wanted)

    def hear(self, told: EventParts) -> None:
        """Logs an event and passes it on."""
        kind, resource, detail, span, attempts, level = told
        event = Event(kind, resource, detail, span, attempts)
        if logger.isEnabledFor(level):
            about = {"quorlock_event": event.kind, "quorlock_resource": event.resource}
            logger.log(level, "%s", _in_words(event), extra=about)
        if self.on_event is not None:
            called_back(self.on_event, event)


def _in_words(event: Event) -> str:
    words = f"{event.kind} {event.resource!r}"
    if event.detail:
        words += f": {event.detail}"
    if event.span:
        words += f", {event.span * 1e3:.1f} ms"
    if event.attempts > 1:
        words += f", {event.attempts} rounds"
    return words
