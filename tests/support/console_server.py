"""The console over the in-memory operations, in a thread of its own: browser tests drive it from outside.

Also for looking at it: `python -m tests.support.console_server FOLDER` prints the first administrator's link.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from engine.api.app import build_app
from engine.api.serve import serve
from engine.console import pages
from tests.support.operations_double import OperationsDouble
from tests.support.people import AuditDouble, make_accounts


class Running(msgspec.Struct):
    """`call` runs a coroutine on the server's loop and returns its result."""

    url: str
    first_link: str
    operations: OperationsDouble
    audit: AuditDouble
    loop: asyncio.AbstractEventLoop


@contextlib.contextmanager
def running_console(folder: Path, listen: str = "127.0.0.1:0") -> Iterator[Running]:
    ready, found, stop = threading.Event(), [], []

    async def main() -> None:
        accounts, operations, audit = make_accounts(folder), OperationsDouble(), AuditDouble()
        async with serve(build_app(operations, accounts, audit, pages=pages()), listen) as url:
            token = await accounts.first_admin_link()
            found.append(Running(url, f"{url}/welcome/{token}", operations, audit, asyncio.get_running_loop()))
            ended = asyncio.Event()
            stop.append(ended)
            ready.set()
            await ended.wait()
        accounts.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(60), "the console did not start"
    try:
        yield found[0]
    finally:
        found[0].loop.call_soon_threadsafe(stop[0].set)
        thread.join(10)


if __name__ == "__main__":
    with running_console(Path(sys.argv[1]), "127.0.0.1:8600") as server:
        print(server.first_link, flush=True)
        threading.Event().wait()
