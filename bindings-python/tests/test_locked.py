"""Functions, methods and coroutines under a lock."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING

import pytest
from quorlock import (
    AsyncClient,
    AsyncGuard,
    Client,
    Guard,
    InvalidArgumentError,
    LeaseLostError,
    LockContendedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_key_is_made_of_the_arguments(client: Client) -> None:
    @client.locked("{kind}:{number:03}:{rest[0]}:{options[x]}", timeout=0)
    def function(number: int, /, *rest: str, kind: str = "invoice", **options: int) -> str:
        assert Guard.current().is_held
        return Guard.current().resource

    assert function(7, "a", x=5) == "invoice:007:a:5"
    assert function(8, "b", kind="order", x=6) == "order:008:b:6"
    assert function.__name__ == "function"
    assert list(inspect.signature(function).parameters) == ["number", "rest", "kind", "options"]
    with client.mutex("invoice:007:a:5"), pytest.raises(LockContendedError):
        function(7, "a", x=5)


def test_the_key_may_be_made_by_a_callable(client: Client) -> None:
    @client.locked(lambda number, *, prefix="p": f"{prefix}:{number}", ttl=5)
    def function(number: int, *, prefix: str = "q") -> str:
        return Guard.current().resource

    # It is given what the caller gave, without the function's defaults.
    assert function(1) == "p:1"
    assert function(1, prefix="r") == "r:1"


def test_a_key_that_is_no_name_is_refused(client: Client) -> None:
    @client.locked(lambda: 5)  # type: ignore[arg-type, return-value]
    def function() -> None: ...

    with pytest.raises(InvalidArgumentError) as error:
        function()
    assert error.value.field == "name"


def test_methods_exclude_each_other_by_what_self_says(client: Client) -> None:
    class Account:
        def __init__(self, number: int) -> None:
            self.number = number

        @client.locked("account:{self.number}", timeout=0)
        def audit(self, inner: Callable[[], object]) -> object:
            return inner()

        @classmethod
        @client.locked("class:{cls.__name__}")
        def on_class(cls) -> str:
            return Guard.current().resource

        @staticmethod
        @client.locked("static")
        def on_nobody() -> str:
            return Guard.current().resource

    first, second = Account(1), Account(2)
    assert first.audit(lambda: second.audit(lambda: "both")) == "both"
    with pytest.raises(LockContendedError):
        first.audit(lambda: first.audit(lambda: "never"))
    assert (Account.on_class(), Account.on_nobody()) == ("class:Account", "static")


def test_the_guard_is_the_innermost(client: Client) -> None:
    @client.locked("inner")
    def inner() -> str:
        return Guard.current().resource

    @client.locked("outer")
    def outer() -> tuple[str, str, str]:
        return Guard.current().resource, inner(), Guard.current().resource

    assert outer() == ("outer", "inner", "outer")
    with pytest.raises(LookupError):
        Guard.current()
    with pytest.raises(LookupError):
        AsyncGuard.current()


def test_the_lock_is_given_back_whatever_happens(client: Client) -> None:
    @client.locked("a", timeout=0)
    def function() -> None:
        raise KeyError("mine")

    for _ in range(3):
        with pytest.raises(KeyError, match="mine"):
            function()


def test_a_lost_lock_is_raised_instead_of_the_result(client: Client) -> None:
    @client.locked("a", ttl=0.05, hold_max=0.05)
    def function() -> int:
        Guard.current().lost.wait(10)
        return 1

    with pytest.raises(LeaseLostError):
        function()


def test_coroutines(async_client: AsyncClient) -> None:
    class Account:
        number = 7

        @async_client.locked("account:{self.number}", timeout=30)
        async def charge(self, amount: int) -> tuple[str, int]:
            await asyncio.sleep(0.001)
            assert AsyncGuard.current().is_held
            return AsyncGuard.current().resource, amount

    async def main() -> None:
        account = Account()
        done = await asyncio.gather(*(account.charge(n) for n in range(20)))
        assert done == [("account:7", n) for n in range(20)]

    asyncio.run(main())


def test_a_block_may_be_left_in_another_task(async_client: AsyncClient) -> None:
    async def main() -> None:
        mutex = async_client.mutex("fixture")
        await asyncio.create_task(mutex.__aenter__())
        await asyncio.create_task(mutex.__aexit__(None, None, None))
        assert await mutex.try_acquire() is not None

    asyncio.run(main())
