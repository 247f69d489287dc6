"""Functions under a lock: the key from their arguments, the guard within reach."""

from __future__ import annotations

import functools
import inspect
import string
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from quorlock._holding import current
from quorlock.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__: list[str] = []

P = ParamSpec("P")
R = TypeVar("R")


def locked_function(
    function: Callable[P, R], key: str | Callable[..., str], held: Callable[[str], Any]
) -> Callable[P, R]:
    """``function`` under ``with held(name)``."""
    if inspect.iscoroutinefunction(function):
        raise invalid("function", "is a coroutine function; use AsyncClient.locked")
    name_of = _naming(function, key)

    @functools.wraps(function)
    def under_lock(*args: P.args, **kwargs: P.kwargs) -> R:
        with held(name_of(args, kwargs)) as guard:
            before = current.set(guard)
            try:
                return function(*args, **kwargs)
            finally:
                current.reset(before)

    return under_lock


def locked_coroutine(
    function: Callable[P, Coroutine[Any, Any, R]],
    key: str | Callable[..., str],
    held: Callable[[str], Any],
) -> Callable[P, Coroutine[Any, Any, R]]:
    """``function`` under ``async with held(name)``."""
    if not inspect.iscoroutinefunction(function):
        raise invalid("function", "is no coroutine function; use Client.locked")
    name_of = _naming(function, key)

    @functools.wraps(function)
    async def under_lock(*args: P.args, **kwargs: P.kwargs) -> R:
        async with held(name_of(args, kwargs)) as guard:
            before = current.set(guard)
            try:
                return await function(*args, **kwargs)
            finally:
                current.reset(before)

    return under_lock


def _naming(
    function: Callable[..., Any], key: str | Callable[..., str]
) -> Callable[[tuple[Any, ...], dict[str, Any]], str]:
    """How a call's arguments become the name to lock."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise invalid("function", "is a generator, whose body runs after the call")
    if not isinstance(key, str):
        return _made_by(key)
    template = key
    signature = inspect.signature(function)
    for name in _names(template):
        if name not in signature.parameters:
            raise invalid("key", f"names {name!r}, which is no parameter of the function")

    def formatted(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return template.format(**bound.arguments)

    return formatted


def _made_by(key: Any) -> Callable[[tuple[Any, ...], dict[str, Any]], str]:
    if not callable(key):
        raise invalid("key", f"must be a template or a callable, is a {type(key).__name__}")

    def made(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return key(*args, **kwargs)

    return made


def _names(template: str) -> list[str]:
    """The arguments a template names."""
    try:
        fields = [parsed[1:] for parsed in string.Formatter().parse(template)]
    except ValueError as error:
        raise invalid("key", f"is no format template: {error}") from None
    if any(conversion not in (None, "", "a", "r", "s") for _, _, conversion in fields):
        raise invalid("key", "has a conversion other than !a, !r and !s")
    names = (name for name, _, _ in fields if name is not None)
    found = [name.split(".")[0].split("[")[0] for name in names]
    if any(not name or name.isdigit() for name in found):
        raise invalid("key", "must name arguments by name, not by position")
    return found
