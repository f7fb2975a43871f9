"""The desk over a real store: queue, evidence, decisions with a reason, where an invoice stands, lineage."""

from __future__ import annotations

import pytest

from engine.core.errors import AccessError, NotFoundError, OperationError
from engine.ports.p2p_operations import CaseAsk, ref_of
from engine.ports.procure import CaseQuery
from engine.procure.desk.desk import Desk
from engine.procure.process import Process
from engine.store.open import Store
from tests.contract.test_process import invoice, order, receipt
from tests.support.connector_doubles import Clock


def desk_of(store: Store) -> tuple[Desk, Process]:
    process = Process(store.records, Clock(), lambda: None)
    return Desk(store.records, store.record_search, process, store.audit, Clock(), lambda: None, store.journal), process


async def test_a_case_is_listed_shown_with_evidence_and_decided_with_a_reason(store: Store) -> None:
    desk, process = desk_of(store)
    for document in (order("9.00"), receipt(), invoice("10.00")):
        await process.take(document)

    rows = [one for one in await desk.cases(CaseQuery(), "ana") if one.type.startswith("price")]
    view = await desk.case(rows[0].ref, "ana")
    assert view is not None
    (line,) = view.evidence.lines
    assert "price" in line.differs
    assert (line.ordered and line.ordered.price, line.invoiced and line.invoiced.price) == ("9.00", "10.00")

    await desk.act(rows[0].ref, CaseAsk("hold", "asked the supplier", view.seen), "ana", "api")

    after = await desk.case(rows[0].ref, "ana")
    assert after is not None
    assert [(one.who, one.reason) for one in after.history if one.what == "Hold"] == [("ana", "asked the supplier")]
    trail = await store.audit.records(f"case {rows[0].ref}")
    assert [(one.who, one.action, one.reason) for one in trail] == [("ana", "case.hold", "asked the supplier")]


async def test_who_made_a_document_does_not_accept_over_it_and_the_refusal_is_audited(store: Store) -> None:
    desk, process = desk_of(store)
    await process.take(order("9.00"), who="ana")
    for document in (receipt(), invoice("10.00")):
        await process.take(document)
    row = next(one for one in await desk.cases(CaseQuery(), "ana") if one.type.startswith("price"))
    view = await desk.case(row.ref, "ANA")
    assert view is not None
    assert {one.action: one.why_not for one in view.choices}["accept"]

    with pytest.raises(AccessError):
        await desk.act(row.ref, CaseAsk("accept", "fine"), "Ana", "console")

    assert [one.action for one in await store.audit.records(f"case {row.ref}")] == ["case.refused"]


async def test_a_case_that_changed_since_it_was_shown_is_not_decided(store: Store) -> None:
    desk, process = desk_of(store)
    for document in (order("9.00"), receipt(), invoice("10.00")):
        await process.take(document)
    row = next(one for one in await desk.cases(CaseQuery(), "ana") if one.type.startswith("price"))

    with pytest.raises(OperationError, match="changed"):
        await desk.act(row.ref, CaseAsk("accept", "fine", "0" * 16), "ana", "console")
    with pytest.raises(NotFoundError):
        await desk.act(ref_of("nothing"), CaseAsk("accept", "fine"), "ana", "console")


async def test_an_order_tells_its_way_and_its_invoices(store: Store) -> None:
    desk, process = desk_of(store)
    for document in (order(), receipt(), invoice()):
        await process.take(document, 7)

    view, status = await desk.order("PO-1", "ana"), await desk.invoice("S1", "INV-1", "ana")

    assert view is not None
    assert [one.stage for one in view.steps][:3] == ["order", "receipt", "invoice"]
    assert status is not None
    assert (status.order_number, status.amount) == ("PO-1", "60.00")
    assert [one.invoice_number for one in await desk.invoices_of("S1", 10, "ana")] == ["INV-1"]
    assert await desk.order("PO-2", "ana") is None


async def test_an_invoice_of_another_supplier_whose_number_begins_alike_is_not_told(store: Store) -> None:
    desk, process = desk_of(store)
    await process.take(invoice().model_copy(update={"supplier_number": "S1/X"}))

    assert await desk.invoice("S1", "X/INV-1", "ana") is None
    assert await desk.invoices_of("S1", 10, "ana") == []
    assert await desk.invoice("S1/X", "INV-1", "ana") is not None


async def test_numbers_of_orders_invoices_and_suppliers_find_the_matter(store: Store) -> None:
    desk, process = desk_of(store)
    for document in (order(), receipt(), invoice()):
        await process.take(document)

    for text in ("PO-1", "INV-1", "S1/INV-1", "S1"):
        assert {one.dossier for one in await desk.find(text, "ana")} == {"order:PO-1"}, text
    assert await desk.find("NV-1", "ana") == []
    assert await desk.find("%", "ana") == []


async def test_dossiers_that_only_gather_are_no_hits(store: Store) -> None:
    desk, process = desk_of(store)
    line = invoice().lines[0].model_copy(update={"lot": "L1"})
    ordered = order()
    lines = tuple(one.model_copy(update={"cost_center": "OR"}) for one in ordered.lines)
    for document in (ordered.model_copy(update={"lines": lines}), invoice().model_copy(update={"lines": (line,)})):
        await process.take(document)

    assert {one.dossier for text in ("PO-1", "INV-1") for one in await desk.find(text, "ana")} == {"order:PO-1"}


async def test_lineage_goes_from_documents_to_the_command(store: Store) -> None:
    desk, process = desk_of(store)
    for document in (order(), receipt(), invoice()):
        await process.take(document)

    for asked in ("PO-1", "INV-1", "order:PO-1"):
        found = await desk.lineage(asked, "ana")
        assert found is not None
        assert found.dossiers == ["order:PO-1"]
        assert [one.stage for one in found.traces][:4] == ["document"] * 3 + ["decision"]
    assert await desk.lineage("PO-9", "ana") is None


async def test_the_figures_count_what_is_open_and_what_waits(store: Store) -> None:
    desk, process = desk_of(store)
    for document in (order("9.00"), receipt(), invoice("10.00")):
        await process.take(document)

    figures = await desk.summary("ana")

    assert (figures.blocked, figures.blocked_money) == (1, {"USD": "6.00"})
    assert figures.open == len(await desk.cases(CaseQuery(), "ana"))
    assert (await desk.summary("ana", frozenset({"ELSEWHERE"}))).open == 0
