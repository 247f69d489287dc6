"""Functions and methods that run under a lock named by their arguments."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from nodes import nodes
from quorlock import AsyncClient, AsyncGuard, Client, Guard, LockContendedError

client = Client(nodes())
async_client = AsyncClient(nodes())


@dataclass
class Account:
    """An account whose methods exclude each other over all processes."""

    number: int
    balance: int = 0

    @client.locked("example:account:{self.number}", timeout=10)
    def deposit(self, amount: int) -> int:
        """Adds to the balance under this account's lock."""
        self.balance += amount
        return self.balance

    @client.locked(lambda self: f"example:account:{self.number}", timeout=0)
    def audit(self) -> str:
        """Somebody else at it: raises at once."""
        return f"fencing token {'there' if Guard.current().fencing_token else 'missing'}"


@async_client.locked("example:invoice:{invoice}", timeout=10)
async def charge(invoice: int, *, amount: int = 1) -> bool:
    """Charges an invoice; a coroutine is locked in the same way."""
    await asyncio.sleep(0)
    return AsyncGuard.current().is_held and amount > 0


account = Account(7)
print("balance", account.deposit(5))
print("audit:", account.audit())
with client.mutex("example:account:7"):
    try:
        account.audit()
    except LockContendedError:
        print("audit: somebody else is at it")
print("charged", asyncio.run(charge(42)))
