"""Payments over a real store: where they stand by all tellers, what a run paid and left, and what is to do."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from engine.api.payments import ScopedPayments
from engine.canonical import (
    BankAccount,
    BankState,
    BankStatusReport,
    PaidInvoice,
    Payment,
    PaymentProgress,
    ReportSource,
    Supplier,
)
from engine.canonical.guarded import Guarded
from engine.ports.payment_runs import RunRules
from engine.ports.payments import PaymentAsk, PaymentRow, RunView
from engine.procure.payments.desk import PaymentDesk
from engine.store.open import Store
from tests.contract.test_payment_runs import NEXT, PAY_ON, Office, usd

NUMBER = "00012345678"
# What the store is asked is the same in all of them: two of them are asked on every engine.
embedded = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.fixture
async def office(store: Store) -> Office:
    """S1 is known, with an account that nobody verified."""
    office = Office(store)
    account = BankAccount(code="MAIN", routing_number="021000021", account_number=Guarded(NUMBER))
    await office.process.take(Supplier(supplier_number="S1", name="Cascade Surgical", bank_accounts=(account,)))
    return office


def desk_of(office: Office) -> PaymentDesk:
    return PaymentDesk(office.store.records, office.store.record_search, office.clock)


async def run_of(office: Office, number: str = "RUN-1", **more: Any) -> RunView:
    await office.runs.propose(number, PAY_ON, NEXT, RunRules(**more))
    found = await desk_of(office).run(number, "ana")
    assert found is not None
    return found


async def the(office: Office, number: str = "RUN-1-0001") -> PaymentRow:
    found = await desk_of(office).payment(number, "ana")
    assert found is not None
    return found.row


def report(state: BankState, source: ReportSource = ReportSource.CAMT_054, **more: Any) -> BankStatusReport:
    return BankStatusReport(
        report_number=f"F-{state.value}", source=source, state=state, payment_number="RUN-1-0001",
        reported_at=datetime(2026, 4, 8, tzinfo=UTC), **more,
    )  # fmt: skip


async def move(office: Office, state: PaymentProgress) -> None:
    payment = (await office.payments("RUN-1"))[0]
    await office.process.take(payment.model_copy(update={"state": state}))


async def test_a_run_tells_its_count_its_sum_and_where_its_payments_stand(office: Office) -> None:
    for number, price in (("1", "100.00"), ("2", "70.50")):
        await office.posted(await office.buy(number, price, facility="HARBOR-MAIN"))

    row = (await run_of(office)).row

    assert (row.payments, row.sums, row.groups) == (1, {"USD": "170.50"}, {"held": 1})
    assert (row.pay_on, row.next_run, row.made_here) == ("2026-04-07", "2026-04-09", True)
    assert await desk_of(office).runs(10, "ana") == [row]


@embedded
async def test_a_payment_shows_invoices_orders_and_the_last_four_of_its_account(office: Office) -> None:
    await office.posted(await office.buy("1", "100.00", facility="HARBOR-MAIN"))
    await run_of(office)

    row = await the(office)

    (part,) = row.parts
    assert (part.invoice, part.order, part.dossier, part.why, part.facility) == (
        "I-1", "PO-1", "order:PO-1", "overdue", "HARBOR-MAIN",
    )  # fmt: skip
    assert (row.supplier_name, row.account) == ("Cascade Surgical", "****5678")
    assert NUMBER not in repr(row)


@embedded
async def test_what_must_not_go_out_yet_says_what_people_do_about_it(office: Office) -> None:
    await office.posted(await office.buy("1", "100.00"))
    await run_of(office)

    row = await the(office)

    assert (row.state, row.group) == ("proposed", "held")
    assert {"bank_account_unverified", "bank_change_pending"} <= set(row.held_because)
    assert any("call the supplier back" in one for one in row.to_do)
    assert "payment_held" in [one.type for one in row.cases]


@embedded
async def test_tellers_that_contradict_each_other_are_a_state_with_what_to_do(office: Office) -> None:
    await office.posted(await office.buy("1", "100.00"))
    await run_of(office)
    await office.process.take(report(BankState.SETTLED, amount=usd("90.00")))

    row = await the(office)

    assert (row.state, row.group) == ("disputed", "disputed")
    assert (row.erp, row.bank, row.portal) == ("proposed", "settled", None)
    assert any("bank says 90.00 USD" in one for one in row.against)
    assert any("another amount" in one for one in row.to_do)
    assert any("did not release" in one for one in row.to_do)


@embedded
async def test_what_came_back_says_why_and_each_word_who_told_it(office: Office) -> None:
    await office.posted(await office.buy("1", "100.00"))
    await run_of(office)
    await move(office, PaymentProgress.TRANSMITTED)
    await office.process.take(report(BankState.RETURNED, ReportSource.ACH_RETURN, reason_code="R02"), 7)

    view = await desk_of(office).payment("RUN-1-0001", "ana")

    assert view is not None
    assert (view.row.group, view.row.reason) == ("came_back", "R02")
    assert "account closed" in view.row.to_do[0]
    assert {(one.system, one.word, one.by) for one in view.told} == {
        ("erp", "proposed", "payment run"), ("erp", "transmitted", "the ERP"), ("bank", "returned", "ach_return"),
    }  # fmt: skip
    assert [one.message_id for one in view.told if one.system == "bank"] == [7]


@embedded
async def test_what_a_run_leaves_is_told_with_why_in_words(office: Office) -> None:
    await office.posted(await office.buy("1", "100.00", facility="HARBOR-MAIN"))
    await office.posted(await office.buy("2", "50.00"))

    found = await run_of(office, limit=usd("60.00"))

    (left,) = found.left
    assert (left.invoice, left.why, left.order, left.facility) == ("I-1", "no_money_left", "PO-1", "HARBOR-MAIN")
    assert "limit" in left.words
    assert found.row.left == 1


async def test_payments_are_found_by_where_they_stand_by_run_and_by_supplier(office: Office) -> None:
    await office.posted(await office.buy("1", "100.00"))
    await run_of(office)
    await office.process.take(erp_payment("CK-9", "ERP-7"))
    desk = desk_of(office)

    async def numbers(**ask: Any) -> list[str]:
        return sorted(one.number for one in await desk.payments(PaymentAsk(**ask), "ana"))

    assert await numbers() == ["CK-9", "RUN-1-0001"]
    assert await numbers(group="held") == ["RUN-1-0001"]
    assert await numbers(group="on_its_way") == ["CK-9"]
    assert await numbers(run="RUN-1") == ["RUN-1-0001"]
    assert await numbers(run="ERP-7") == ["CK-9"]
    assert await numbers(supplier="S9") == ["CK-9"]
    assert len(await desk.payments(PaymentAsk(limit=1), "ana")) == 1


@embedded
async def test_a_run_of_the_erp_itself_is_shown_by_its_payments(office: Office) -> None:
    await office.process.take(erp_payment("CK-9", "ERP-7"))
    desk = desk_of(office)

    found = await desk.run("ERP-7", "ana")

    assert found is not None
    assert (found.row.made_here, found.row.payments, found.row.sums) == (False, 1, {"USD": "12.00"})
    assert await desk.run("ERP-8", "ana") is None
    assert await desk.payment("CK-8", "ana") is None


@embedded
async def test_who_answers_for_one_facility_sees_its_part_of_a_payment_and_no_other_figure(office: Office) -> None:
    await office.posted(await office.buy("1", "100.00", facility="HARBOR-MAIN"))
    await office.posted(await office.buy("2", "70.50", facility="HARBOR-NORTH"))
    await run_of(office)
    await office.process.take(report(BankState.SETTLED, amount=usd("171.00")))
    inner = desk_of(office)
    main, none = ScopedPayments(inner, frozenset({"HARBOR-MAIN"})), ScopedPayments(inner, frozenset({"ELSEWHERE"}))

    view, run = await main.payment("RUN-1-0001", "ana"), await main.run("RUN-1", "ana")

    assert view is not None
    assert run is not None
    assert (view.row.amount, view.row.partly, [one.invoice for one in view.row.parts]) == ("100.00", True, ["I-1"])
    assert "bank says another amount" in view.row.against
    assert run.row.sums == {"USD": "100.00"}
    for told in (repr(view), repr(run), repr(await main.runs(10, "ana")), repr(await main.payments(PaymentAsk(), "a"))):
        assert not [figure for figure in ("70.5", "170.5", "171.00", "I-2") if figure in told]
    assert (await none.payment("RUN-1-0001", "ana"), await none.run("RUN-1", "ana")) == (None, None)
    assert (await none.payments(PaymentAsk(), "ana"), await none.runs(10, "ana")) == ([], [])


def erp_payment(number: str, run: str) -> Payment:
    return Payment(
        payment_number=number, supplier_number="S9", amount=usd("12.00"), pay_on=date(2026, 4, 1), run_number=run,
        state=PaymentProgress.TRANSMITTED, invoices=(PaidInvoice(invoice_number="X-1", amount=usd("12.00")),),
    )  # fmt: skip
