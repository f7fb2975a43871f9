"""A person of one facility: nothing of another one is in any list, count, page, address or answer of the process."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.api.app import build_app, route_table
from engine.canonical import (
    BankState,
    BankStatusReport,
    Document,
    PaidInvoice,
    Payment,
    PaymentProgress,
    ReportSource,
    Requisition,
    RequisitionLine,
)
from engine.channel.policies import Policies
from engine.console import pages
from engine.ports.accounts import Role
from engine.ports.procure import CaseQuery
from engine.ports.web import WebRoute
from engine.procure.approvals.desk import ApprovalDesk
from engine.procure.desk.desk import Desk
from engine.procure.measures.desk import MeasureDesk
from engine.procure.payments.desk import PaymentDesk
from engine.procure.process import Process
from engine.store.accounts import SqlAccounts
from engine.store.open import Store, open_store
from tests.support.asgi_client import Answer, AsgiClient
from tests.support.connector_doubles import Clock
from tests.support.operations_double import OperationsDouble
from tests.support.people import AuditDouble, enrol
from tests.support.purchases import billed, invoice, of, order, ordered, receipt, usd
from tests.support.suppliers import clear, supplier
from tests.support.year.network import POLICIES

MINE, OTHER = "HARBOR", "QQQ"  # the other facility's name is in every number of it
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABLE = route_table(pages())
_PROCESS = ("/api/p2p/", "/cases", "/orders", "/lineage", "/recall", "/approvals", "/payments", "/measures")

# What a facility's own number in the address is, or the form that is sent; None: it is a list or a sum.
RULES: dict[tuple[str, str], str | dict[str, Any] | None] = {
    ("GET", "/api/p2p/summary"): None,
    ("GET", "/api/p2p/cases"): None,
    ("GET", "/api/p2p/cases/{ref}"): "case",
    ("POST", "/api/p2p/cases/{ref}/actions"): "case",
    ("GET", "/api/p2p/invoices/{supplier}/{number:path}"): "invoice",
    ("GET", "/api/p2p/orders/{number:path}"): "order",
    ("GET", "/api/p2p/suppliers/{number}"): "supplier",
    ("GET", "/api/p2p/lineage/{asked:path}"): "asked",
    ("GET", "/api/p2p/lots"): {"item": "M1", "lot": "L1"},
    ("GET", "/api/p2p/approvals"): None,
    ("GET", "/api/p2p/approvals/{ref}"): "approval",
    ("POST", "/api/p2p/approvals/{ref}/answers"): "approval",
    ("GET", "/api/p2p/measures"): None,
    ("GET", "/api/p2p/measures/trend"): None,
    ("GET", "/api/p2p/measures/behind"): {"name": "invoice_exception_rate"},
    ("GET", "/api/p2p/measures/promises"): None,
    ("GET", "/api/p2p/measures/check"): "all",
    ("POST", "/api/p2p/measures/remake"): "all",
    ("GET", "/api/p2p/payments"): None,
    ("GET", "/api/p2p/payments/{number:path}"): "payment",
    ("GET", "/api/p2p/payment-runs"): None,
    ("GET", "/api/p2p/payment-runs/{number:path}"): "run",
    ("GET", "/cases"): None,
    ("GET", "/cases/{ref}"): "case",
    ("GET", "/cases/{ref}/live"): "case",
    ("POST", "/cases/decide"): "all",
    ("POST", "/cases/{ref}/act"): "case",
    ("GET", "/orders"): None,
    ("POST", "/orders/find"): {"value": "number"},
    ("GET", "/orders/{number:path}"): "order",
    ("GET", "/lineage/{asked:path}"): "asked",
    ("GET", "/recall"): {"item": "M1", "lot": "L1"},
    ("POST", "/recall/find"): {"item": "number", "lot": "number"},
    ("GET", "/approvals"): None,
    ("GET", "/approvals/{ref}"): "approval",
    ("POST", "/approvals/{ref}/answer"): "approval",
    ("GET", "/payments"): None,
    ("GET", "/payments/live"): None,
    ("GET", "/payments/runs/{number:path}"): "run",
    ("GET", "/payments/{number:path}"): "payment",
    ("GET", "/measures"): None,
    ("GET", "/measures/{name}"): "measure",
}


# ------------------------------------------------------------------ the same matters at two facilities
def matters(facility: str) -> list[Document]:
    """A wish that waits for approval, an order that was paid, one whose invoice is too dear, the supplier."""
    seller, day = f"S-{facility}", date(2026, 11, 3)
    line = RequisitionLine(number=1, item_number=f"M-{facility}", quantity=of("200"), anticipated_price=usd("4.00"))
    wish = Requisition(requisition_number=f"RQ-{facility}", lines=(line,), facility=facility, requested_on=day)
    new = supplier(seller, f"{facility} Sterile Goods", requested_by="r.ruiz", tax=f"12-345{ord(facility[0]):04d}")
    found: list[Document] = [new, clear(new), wish]
    for turn, price in (("1", "4.00"), ("2", "6.00")):
        number = f"PO-{facility}-{turn}"
        named = {"order_number": number, "supplier_number": seller}
        found.append(order(ordered(), **named, facility=facility, ordered_on=day))
        came = receipt(number=f"RC-{facility}-{turn}")
        lines = tuple(one.model_copy(update={"lot": "L1"}) for one in came.lines)  # the same lot came to both
        found.append(came.model_copy(update=named | {"lines": lines}))
        found.append(invoice(billed(price=price), number=f"I-{facility}-{turn}", **named, invoiced_on=day))
    part = PaidInvoice(invoice_number=f"I-{facility}-1", amount=usd("40.00"))
    paid = Payment(
        payment_number=f"PAY-{facility}", supplier_number=seller, amount=usd("40.00"), pay_on=date(2026, 11, 18),
        state=PaymentProgress.TRANSMITTED, invoices=(part,), run_number=f"RUN-{facility}",
    )  # fmt: skip
    settled = BankStatusReport(
        report_number=f"B-{facility}", source=ReportSource.CAMT_054, state=BankState.SETTLED, reported_at=NOW,
        payment_number=f"PAY-{facility}", happened_on=date(2026, 11, 19), bank_reference=f"BR-{facility}",
    )  # fmt: skip
    return [*found, paid, settled]


class Room:
    """The real desks over a real store, and people."""

    def __init__(self, store: Store, accounts: SqlAccounts) -> None:
        self.store, self.accounts, self.clock = store, accounts, Clock(NOW)
        self.process = Process(store.records, self.clock, lambda: POLICIES)
        self.operations, audit = OperationsDouble(10), AuditDouble()
        around = (store.records, store.record_search)

        def rules() -> Policies:
            return POLICIES

        self.operations.p2p = Desk(*around, self.process, audit, self.clock, rules)  # type: ignore[assignment]
        self.operations.approvals = ApprovalDesk(*around, self.process, audit, self.clock, rules)
        self.operations.measures = MeasureDesk(store.measures, store.records, self.clock, rules)
        self.operations.payments = PaymentDesk(*around, self.clock)
        self.app = build_app(self.operations, accounts, audit, pages=pages())

    async def fill(self) -> None:
        for facility in (MINE, OTHER):
            for one in matters(facility):
                self.clock.advance(timedelta(seconds=1))
                await self.process.take(one)

    async def person(self, *facilities: str) -> AsgiClient:
        """Who may do everything there; `admin`, for the engine wants one who sees all first."""
        await enrol(self.accounts, "first.admin", Role.ADMIN)
        token = await enrol(self.accounts, "limited", Role.ADMIN, facilities)
        session = await self.accounts.session(token)
        assert session is not None
        return AsgiClient(self.app, token, session.csrf)

    async def known(self, facility: str) -> dict[str, str]:
        """What stands in addresses of this facility's matters."""
        cases = {one.case_id: one.ref for one in await self.operations.p2p.cases(CaseQuery(limit=500), "-")}
        return {
            "case": next(ref for key, ref in cases.items() if key.startswith(f"order:PO-{facility}-2#price")),
            "approval": next(ref for key, ref in cases.items() if key.startswith(f"requisition:RQ-{facility}#")),
            "order": f"PO-{facility}-2", "invoice": f"S-{facility}/I-{facility}-2", "supplier": f"S-{facility}",
            "asked": f"PO-{facility}-1", "payment": f"PAY-{facility}", "run": f"RUN-{facility}",
            "measure": "invoice_exception_rate", "number": f"I-{facility}-2",
        }  # fmt: skip


@pytest.fixture
async def room(tmp_path: Path, accounts: SqlAccounts) -> AsyncIterator[Room]:
    store = await open_store(f"sqlite:///{tmp_path}/p2p.db", Clock(NOW))
    made = Room(store, accounts)
    await made.fill()
    yield made
    await store.close()


async def ask(client: AsgiClient, route: WebRoute, known: dict[str, str]) -> Answer:
    rule = RULES[route.method, route.path]
    value = known.get(rule, "") if isinstance(rule, str) else ""
    path = re.sub(r"{supplier}/{number:path}|{\w+(:path)?}", value, route.path)
    if route.method == "GET":
        query = f"?{'&'.join(f'{k}={v}' for k, v in rule.items())}" if isinstance(rule, dict) else ""
        return await client.get(path + query)
    if route.path.startswith("/api"):
        return await client.post_json(path, {"action": "comment", "reason": "seen"})
    form = {name: known[of_it] for name, of_it in rule.items()} if isinstance(rule, dict) else {}
    return await client.post_form(path, {"action": "comment", "reason": "seen", **form})


def test_every_route_of_the_process_has_a_rule_of_what_it_shows_whom() -> None:
    routes = {(one.method, one.path) for one in TABLE if one.path.startswith(_PROCESS)}

    assert routes == RULES.keys()


async def test_nothing_of_another_facility_is_in_any_list_and_its_numbers_lead_nowhere(room: Room) -> None:
    client, theirs = await room.person(MINE), await room.known(OTHER)

    for route in (one for one in TABLE if one.path.startswith(_PROCESS)):
        rule, where = RULES[route.method, route.path], f"{route.method} {route.path}"
        answer = await ask(client, route, theirs)
        if isinstance(rule, str) and rule != "measure":
            refused = (303,) if route.page and route.method == "POST" else (403, 404)  # a page that says why not
            assert answer.status in refused, f"{where}: {answer.status}"
        else:
            assert answer.status == 200, f"{where}: {answer.status} {answer.text[:200]}"
            assert OTHER not in answer.text.replace(theirs["number"], ""), where  # what was asked for is repeated
    kept = await room.store.measures.measured("SELECT COUNT(*) FROM p2p_records WHERE kind LIKE '%Action'", {})
    assert kept == [(0,)]


async def test_the_same_ways_lead_to_ones_own_matters(room: Room) -> None:
    client, mine = await room.person(MINE), await room.known(MINE)

    for route in (one for one in TABLE if one.path.startswith(_PROCESS) and one.method == "GET"):
        rule, where = RULES[route.method, route.path], f"{route.method} {route.path}"
        answer = await ask(client, route, mine)
        expected = 403 if rule == "all" else 404 if rule == "supplier" else 200  # a supplier belongs to no facility
        assert answer.status == expected, f"{where}: {answer.status} {answer.text[:300]}"
        assert OTHER not in answer.text, where


async def test_counts_and_money_are_those_of_ones_own_facility(room: Room) -> None:
    client = await room.person(MINE)

    strip = (await client.get("/api/p2p/summary")).json()
    rate = (await client.get("/api/p2p/measures?name=invoice_exception_rate")).json()

    assert (strip["blocked"], strip["blocked_money"]) == (1, {"USD": "20.00"})
    assert [(one["numerator"], one["denominator"]) for one in rate] == [("2", "2")]  # there are four
