"""The public API: the same for both clients, and as it was written down."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import quorlock
from quorlock import (
    AsyncClient,
    AsyncElection,
    AsyncGuard,
    AsyncLostEvent,
    AsyncMulti,
    AsyncMutex,
    AsyncOnce,
    AsyncSemaphore,
    Client,
    Election,
    Guard,
    LostEvent,
    Multi,
    Mutex,
    Once,
    Semaphore,
)

SNAPSHOT = Path(__file__).with_name("api.txt")
PAIRS = [
    (Client, AsyncClient),
    (Mutex, AsyncMutex),
    (Multi, AsyncMulti),
    (Semaphore, AsyncSemaphore),
    (Once, AsyncOnce),
    (Election, AsyncElection),
    (Guard, AsyncGuard),
    (LostEvent, AsyncLostEvent),
]
# What only makes sense for one of them.
OWN = {"allow_on_loop", "host_silence_max"}


def public(kind: type) -> dict[str, Any]:
    names = (name for name in dir(kind) if not name.startswith("_") or name == "__init__")
    return {name: inspect.getattr_static(kind, name) for name in names}


def shape(member: Any) -> Any:
    """What a caller can see of a member, without whether it is awaited."""
    if isinstance(member, property):
        return "property"
    function = getattr(member, "__func__", member)
    if not inspect.isfunction(function):
        return type(member).__name__
    return [
        (parameter.name, parameter.kind, parameter.default)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name not in OWN
    ]


@pytest.mark.parametrize(("blocking", "on_loop"), PAIRS)
def test_both_clients_are_the_same(blocking: type, on_loop: type) -> None:
    ours, theirs = public(blocking), public(on_loop)
    assert set(ours) == set(theirs)
    for name, member in ours.items():
        if name != "__init__" or blocking is Client:
            assert shape(member) == shape(theirs[name]), name


def described() -> str:
    lines = []
    for name in sorted(quorlock.__all__):
        thing = getattr(quorlock, name)
        if not inspect.isclass(thing):
            lines.append(f"{name}: {type(thing).__name__}")
            continue
        bases = ", ".join(base.__name__ for base in thing.__bases__ if base is not object)
        lines.append(f"class {name}({bases})")
        ours = [base for base in thing.__mro__ if base.__module__.startswith("quorlock")]
        own = {name for base in ours for name in (*vars(base), *vars(base).get("__annotations__", {}))}
        for member in sorted(own):
            if not member.startswith("_") or member in ("__enter__", "__aenter__"):
                lines.append(f"    {_described(member, thing)}")
    return "\n".join(lines) + "\n"


def _described(name: str, kind: type) -> str:
    member = inspect.getattr_static(kind, name, None)
    annotation = getattr(kind, "__annotations__", {}).get(name)
    if isinstance(member, property):
        returned = inspect.signature(member.fget).return_annotation if member.fget else "?"
        return f"{name}: {returned}"
    function = getattr(member, "__func__", member)
    if inspect.isfunction(function):
        call = "async def" if inspect.iscoroutinefunction(function) else "def"
        return f"{call} {name}{inspect.signature(function)}"
    return f"{name}: {annotation or type(member).__name__}"


def test_the_api_is_as_written_down() -> None:
    # To renew it after a wanted change: python tests/test_api.py
    assert described() == SNAPSHOT.read_text()


def test_everything_public_says_what_it_does() -> None:
    for name in quorlock.__all__:
        thing = getattr(quorlock, name)
        if not inspect.isclass(thing):
            continue
        assert thing.__doc__, name
        for member, value in vars(thing).items():
            is_said = not inspect.isfunction(value) and not isinstance(value, property)
            assert is_said or member.startswith("_") or value.__doc__, f"{name}.{member}"


if __name__ == "__main__":
    SNAPSHOT.write_text(described())
