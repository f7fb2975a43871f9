"""A crash between the ERP's commit and our reading of its answer: at every single call, exactly one document."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.server import ErpServer
from engine.canonical import Document
from engine.core.errors import TransportError
from engine.ports.erp import Posted
from tests.support import tryton
from tests.support.tryton import Before, LateRequest, LosesAnswer, running_erp

pytestmark = [pytest.mark.integration, pytest.mark.erp]
CALLS_LIMIT = 40


@pytest.fixture(scope="module")
def erp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ErpServer]:
    with running_erp(tmp_path_factory.mktemp("erp")) as server:
        yield server


MODELS: dict[str, tuple[str, str, str]] = {
    "Requisition": ("purchase.requisition", "description", "processing"),
    "PurchaseOrder": ("purchase.purchase", "reference", "processing"),
    "Receipt": ("stock.shipment.in", "reference", "done"),
    "Invoice": ("account.invoice", "description", "posted"),
    "JournalEntry": ("account.move", "description", "posted"),
}


async def _states(erp: ErpServer, document: Document) -> list[str]:
    """States of all records under our reference, read past the adapter."""
    model, field, _ = MODELS[document.kind]
    adapter = erp.adapter()
    client: TrytonClient = adapter._client
    try:
        return [r["state"] for r in await client.read(model, [field, "=", document.natural_key], ["state"])]
    finally:
        await adapter.close()


async def _as_the_flow_does(erp: ErpServer, document: Document) -> Posted:
    """Inquire first, then send: a new process after a crash."""
    adapter = erp.adapter()
    try:
        found = await adapter.find(document.kind, document.natural_key, document.natural_key)
        return found or await adapter.post(document, document.natural_key)
    finally:
        await adapter.close()


async def _lose(erp: ErpServer, document: Document, call: int) -> bool:
    """Post and lose the answer of this call. False: there was no such call, the posting was done before."""
    adapter = erp.adapter(LosesAnswer(call))
    try:
        await adapter.post(document, document.natural_key)
    except TransportError:
        return True
    else:
        return False
    finally:
        await adapter.close()


async def _every_call(erp: ErpServer, make: Callable[[], Document]) -> list[tuple[Document, Posted]]:
    results = []
    for call in range(1, CALLS_LIMIT):
        document = make()
        lost = await _lose(erp, document, call)
        results.append((document, await _as_the_flow_does(erp, document)))
        if not lost:
            return results
    raise AssertionError("the posting never came to an end")


@pytest.mark.parametrize(
    ("make", "total"),
    [
        (tryton.invoice, "37.02"),
        (tryton.journal_entry, "123.45"),
        pytest.param(tryton.requisition, "8.50", marks=pytest.mark.slow),
        pytest.param(tryton.order, "42.76", marks=pytest.mark.slow),
    ],
)
async def test_answer_lost_at_every_call_makes_exactly_one_document(
    erp: ErpServer, make: Callable[[], Document], total: str
) -> None:
    results = await _every_call(erp, make)

    assert len(results) > 3
    for document, posted in results:
        assert await _states(erp, document) == [MODELS[document.kind][2]]
        assert posted.total == Decimal(total)


@pytest.mark.slow
async def test_answer_lost_at_every_call_receives_goods_exactly_once(erp: ErpServer) -> None:
    adapter = erp.adapter()
    order = tryton.order()
    await adapter.post(order, order.natural_key)
    done = 0
    for call in range(1, CALLS_LIMIT):
        document = tryton.receipt(order)
        lost = await _lose(erp, document, call)
        posted = await _as_the_flow_does(erp, document)
        done += 1
        assert posted.state == "done"
        assert await _states(erp, document) == ["done"]
        if not lost:
            break
        order = tryton.order()
        await adapter.post(order, order.natural_key)
    await adapter.close()

    assert done > 5


@pytest.mark.parametrize("model", ["account.invoice", "purchase.purchase", "purchase.requisition", "account.move"])
async def test_request_that_arrives_late_leaves_exactly_one_document(erp: ErpServer, model: str) -> None:
    """A time-out here, while the ERP carries the request out only after we asked and began again."""
    make = {
        "account.invoice": tryton.invoice,
        "purchase.purchase": tryton.order,
        "purchase.requisition": tryton.requisition,
        "account.move": tryton.journal_entry,
    }[model]
    document: Document = make()
    late = LateRequest(model)
    first = erp.adapter(late)
    with pytest.raises(TransportError) as caught:
        await first.post(document, document.natural_key)
    second = erp.adapter(Before("POST", f"/model/{model}?", late))
    await second.post(document, document.natural_key)
    await first.close()
    await second.close()

    assert caught.value.sent
    assert await _states(erp, document) == [MODELS[document.kind][2]]


async def test_late_twin_of_an_invoice_before_its_posting_is_removed(erp: ErpServer) -> None:
    document = tryton.invoice()
    late = LateRequest("account.invoice")
    first, second = erp.adapter(late), erp.adapter(Before("POST", "/post?", late))
    with pytest.raises(TransportError):
        await first.post(document, document.natural_key)
    posted = await second.post(document, document.natural_key)
    await first.close()
    await second.close()

    assert posted.state == "posted"
    assert await _states(erp, document) == ["posted"]


KILLED = """
import asyncio, os, signal, sys
from engine.adapters.tryton.adapter import TrytonAdapter
from engine.adapters.tryton.client import AiohttpTransport
from engine.adapters.tryton.settings import TrytonSettings
from engine.canonical import KINDS

class Dies(AiohttpTransport):
    calls = 0
    async def exchange(self, *call):
        answer = await super().exchange(*call)
        self.calls += 1
        if self.calls == int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

async def main():
    settings = TrytonSettings.model_validate_json(sys.argv[1])
    adapter = TrytonAdapter(settings, open(settings.key.removeprefix("file:")).read(), Dies(60))
    document = KINDS[sys.argv[2]].model_validate_json(sys.argv[3])
    await adapter.post(document, document.natural_key)
    await adapter.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("call", [9, pytest.param(2, marks=pytest.mark.slow), pytest.param(11, marks=pytest.mark.slow)])
async def test_killed_poster_leaves_exactly_one_invoice(erp: ErpServer, call: int) -> None:
    """kill -9 right after the ERP committed, before the answer is used; another process goes on."""
    document = tryton.invoice()
    arguments = [erp.settings().model_dump_json(), "Invoice", document.model_dump_json(), str(call)]
    died = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, *arguments, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    )
    await died.wait()
    posted = await _as_the_flow_does(erp, document)

    assert died.returncode == -signal.SIGKILL
    assert posted.total == document.total.amount
    assert await _states(erp, document) == ["posted"]


async def test_killed_erp_goes_on_where_it_was(erp: ErpServer) -> None:
    documents = [tryton.invoice() for _ in range(3)]
    adapter = erp.adapter()
    await adapter.post(documents[0], documents[0].natural_key)
    erp.kill()
    with pytest.raises(TransportError) as caught:
        await adapter.post(documents[1], documents[1].natural_key)
    await adapter.close()
    await erp.start()
    for document in documents:
        await _as_the_flow_does(erp, document)

    assert not caught.value.sent  # the first call only asks
    for document in documents:
        assert await _states(erp, document) == ["posted"]
