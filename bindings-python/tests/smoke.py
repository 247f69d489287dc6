"""What a user does first, with nothing but the installed package. Run by package.sh."""

import asyncio
import pickle
import sys
from pathlib import Path

import quorlock
from quorlock import AsyncClient, Client, Guard, LockTimeoutError, Ticket


def blocking() -> None:
    """Threads."""
    with Client(["memory://smoke"]) as client:
        with client.mutex("a").using(ttl=5, timeout=1) as guard:
            assert guard.is_held
            assert guard.fencing_token
            try:
                client.mutex("a").acquire(timeout=0.01)
            except LockTimeoutError as error:
                again = pickle.loads(pickle.dumps(error))
            else:
                raise AssertionError("held twice")
            assert again.resource == "a"
        ticket = client.mutex("b").acquire().detach()
        client.adopt(Ticket.decode(ticket.encode())).release()

        @client.locked("c:{number}")
        def locked(number: int) -> str:
            return Guard.current().resource

        assert locked(5) == "c:5"


async def on_loop() -> None:
    """Asyncio."""
    async with AsyncClient(["memory://smoke"]) as client:
        waiting = []
        async with client.mutex("a"):
            waiting = [asyncio.ensure_future(client.mutex("a").acquire()) for _ in range(3)]
            await asyncio.sleep(0.01)
            for task in waiting:
                task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await (await client.mutex("a").acquire(timeout=5)).release()


if __name__ == "__main__":
    assert quorlock.__file__ is not None
    package = Path(quorlock.__file__).parent
    assert "site-packages" in package.parts, package
    assert (package / "py.typed").exists()
    blocking()
    asyncio.run(on_loop())
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"quorlock {quorlock.__version__} works on {version}")
