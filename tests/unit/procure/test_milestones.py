"""What happened, as rows: the same whatever came first, taken away when it was not so, and exact in millionths."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

import pytest

from engine.canonical import (
    ApprovalAction,
    ApprovalVerb,
    CaseAction,
    CaseVerb,
    ChangeBy,
    Charge,
    Document,
    InvoiceKind,
    JournalEntry,
    JournalEntryType,
    JournalLine,
    LineKind,
    OrderChange,
    OrderChangeAction,
    OrderChangeLine,
    PostingResult,
    Receipt,
    ReceiptKind,
    ReceiptLine,
    Requisition,
    RequisitionLine,
    Terms,
)
from engine.core.errors import NotFoundError, OperationError
from engine.ports.measures import Milestone, amount_of, units_of
from engine.ports.procure import Case, Dossier, Record
from engine.procure.measures.catalog import MEASURES, measure
from engine.procure.measures.compute import statement
from engine.procure.measures.measure import BY, COLUMNS
from engine.procure.milestones.commands import milestones_of_command
from engine.procure.milestones.dossier import milestones_of, moved
from engine.procure.milestones.rows import day_number
from engine.procure.papers import Papers
from tests.support.purchases import billed, invoice, of, order, ordered, receipt, usd

KEY = "order:PO-1"


def record(document: Document, at: int, version: int = 1) -> Record:
    return Record(document.kind, document.natural_key, version, document.model_dump_json().encode(), at)


def rows(*records: Record, cases: tuple[Case, ...] = ()) -> dict[str, Milestone]:
    return {one.what: one for one in milestones_of(KEY, Papers(records), cases)}


def whole(*records: Record) -> list[Milestone]:
    return list(milestones_of(KEY, Papers(records), ()))


def told(found: list[Milestone], what: str) -> list[tuple[int, str | None]]:
    return [(one.at_micros, one.amount) for one in found if one.what == what]


def change(sequence: int, *lines: OrderChangeLine, by: ChangeBy = ChangeBy.BUYER, purpose: str = "04") -> OrderChange:
    return OrderChange(
        order_number="PO-1", supplier_number="S1", change_number=f"C-{sequence}", sequence=sequence, changed_by=by,
        changed_on=date(2026, 3, 3), lines=lines, purpose=purpose,
    )  # fmt: skip


def arrived(number: str, amount: str, day: int, kind: ReceiptKind = ReceiptKind.RECEIPT) -> Receipt:
    line = ReceiptLine(order_line_number=1, item_number="M1", quantity=of(amount))
    told = {"received_on": date(2026, 3, day), "lines": (line,), "receipt_kind": kind}
    return receipt(number=number).model_copy(update=told)


def test_rows_do_not_depend_on_what_came_first() -> None:
    came = [record(order(facility="HARBOR"), 100), record(receipt(), 200), record(invoice(), 300)]

    told = [rows(*turn) for turn in itertools.permutations(came)]

    assert all(one == told[0] for one in told)
    assert (told[0]["invoice_received"].facility, told[0]["order_received"].at_micros) == ("HARBOR", 200)


def test_a_later_version_keeps_the_time_of_the_first() -> None:
    first, second = record(invoice(total="40.00"), 100), record(invoice(total="41.00"), 900, 2)

    found = rows(record(order(), 50), first, second)["invoice_received"]

    assert (found.at_micros, found.amount, found.units) == (100, "41.00", 41_000_000)


def test_only_what_is_new_is_written_and_what_was_not_so_is_taken_away() -> None:
    known = Dossier(KEY, 1, (record(order(), 100), record(receipt(), 200)))
    cancelled = record(receipt(cancelled=True), 300, 2)

    found = moved(known, Papers((*known.records, cancelled)), (), ())

    assert found.now == ()
    assert found.gone == (("order_received", "PO-1", ""), ("receipt_posted", "R-1", ""))


@pytest.mark.parametrize("seed", range(40))
def test_rows_that_are_written_as_documents_come_are_those_of_all_of_them(seed: int) -> None:
    random, kept = Random(seed), dict[tuple[str, str, str], Milestone]()
    case = Case(f"{KEY}#price#S1/I-1/1", KEY, "price", "open", 300, "it differs", amount="2.50", currency="USD")
    act = CaseAction(action_number="A-1", case_id=case.case_id, dossier=KEY, action=CaseVerb.ACCEPT, who="ana",
                     at=datetime(2026, 3, 4, tzinfo=UTC), place="S1/I-1/1")  # fmt: skip
    answer = PostingResult(command="post_invoice", system="ERP", subject_kind="Invoice", subject_key="S1/I-1", ok=True,
                           dossier=KEY, answered_at=datetime(2026, 3, 5, tzinfo=UTC))  # fmt: skip
    documents: list[Document] = [
        order(facility="HARBOR"), order(facility="PIER"), order(ordered(1, amount="6"), purpose="05"), receipt(),
        receipt(cancelled=True), arrived("R-2", "3", 7), arrived("R-3", "1", 8, ReceiptKind.RETURN), change(1),
        change(2, OrderChangeLine(order_line_number=1, action=OrderChangeAction.DELETE)),
        invoice(), invoice(total="41.00"), invoice(number="I-2"), act, answer,
    ]  # fmt: skip
    random.shuffle(documents)
    dossier, cases = Dossier(KEY, 0, ()), tuple[Case, ...]()
    at = 0
    while documents:
        came = list[Record]()
        for one in documents[: random.randint(1, 3)]:
            versions = [each for each in (*dossier.records, *came) if each.key == one.natural_key]
            came.append(record(one, at := at + 100, len(versions) + 1))
        del documents[: len(came)]
        cases = random.choice((cases, (case,)))
        papers = Papers((*dossier.records, *came))

        found = moved(dossier, papers, cases, ())

        kept = {name: row for name, row in kept.items() if name not in found.gone} | {r.name: r for r in found.now}
        assert kept == {row.name: row for row in milestones_of(KEY, papers, cases)}
        dossier = Dossier(KEY, dossier.revision + 1, tuple(one.record for one in papers.all), cases=cases)
    assert {"order_created", "invoice_received", "command_answered", "person_acted"} <= {what for what, *_ in kept}


def test_an_exception_that_was_opened_again_has_a_row_for_each_time() -> None:
    spells = {"spells": [[100, 150]]}
    case = Case(
        f"{KEY}#price#S1/I-1/1", KEY, "price", "open", 300, "it differs", amount="2.50", currency="USD", facts=spells
    )

    found = list(milestones_of(KEY, Papers([record(order(), 50), record(invoice(), 60)]), (case,)))

    told = [(one.began_micros, one.ended_micros, one.matter) for one in found if one.what == "exception"]
    assert told == [(100, 150, "S1/I-1"), (300, None, "S1/I-1")]


def test_an_order_above_its_contract_price_is_not_on_contract() -> None:
    kept = ordered(contract_number="C1", contract_price=usd("4.00"))
    above = ordered(number=2, price="5.00", contract_number="C1", contract_price=usd("4.00"))

    freight = ordered(number=3, price="7.00", amount="1", line_kind=LineKind.FREIGHT, contract_number="C1")
    charge = (Charge(code="D240", amount=usd("12.00")),)

    found = rows(record(order(kept, above, freight, charges=charge), 100))

    assert (found["order_on_contract"].amount, found["order_bought"].amount) == ("40.00", "90.00")
    assert found["order_created"].amount == "109.00"


def test_each_change_and_the_cancellation_of_an_order_moves_what_it_promises_to_cost_when_it_came() -> None:
    first = record(order(ordered(price="4.00"), ordered(number=2, price="5.00")), 100)
    less = change(1, OrderChangeLine(order_line_number=2, action=OrderChangeAction.DELETE))
    more = change(2, OrderChangeLine(order_line_number=1, action=OrderChangeAction.CHANGE, quantity=of("11")))
    wish = change(3, OrderChangeLine(order_line_number=1, action=OrderChangeAction.DELETE), by=ChangeBy.SUPPLIER)
    gone = change(4, purpose="01")

    changed = whole(first, record(more, 300), record(less, 200), record(wish, 350))
    cancelled = whole(first, record(less, 200), record(more, 300), record(gone, 400))

    assert told(changed, "order_committed") == [(100, "90.00"), (200, "-50.00"), (300, "4.00")]
    assert told(changed, "order_bought") == [(100, "44.00")]
    assert told(cancelled, "order_committed") == [(100, "90.00"), (200, "-50.00"), (300, "4.00"), (400, "-44.00")]
    assert not {one.what for one in cancelled} & {"order_bought", "order_on_contract", "order_promised"}


def test_a_standing_order_promises_nothing_beside_its_releases() -> None:
    assert "order_committed" not in rows(record(order(blanket=True), 100))
    assert rows(record(order(blanket_number="B-1"), 100))["order_committed"].amount == "40.00"


def test_goods_were_there_in_full_on_the_day_since_which_nothing_is_missing() -> None:
    bought = record(order(needed_by=date(2026, 3, 10)), 50)
    half, rest = arrived("R-1", "5", 8), arrived("R-2", "5", 9)
    back, again = arrived("R-3", "1", 11, ReceiptKind.RETURN), arrived("R-4", "1", 12)
    too_much = arrived("R-5", "3", 20)

    in_time = rows(bought, record(half, 100), record(rest, 200), record(too_much, 900))["order_received"]
    late = rows(bought, *(record(one, 100) for one in (half, rest, back, again)))["order_received"]

    assert (in_time.day, in_time.at_micros) == (day_number(date(2026, 3, 9)), 200)
    assert late.day == day_number(date(2026, 3, 12))
    assert "order_received" not in rows(bought, *(record(one, 100) for one in (half, rest, back)))


def test_an_invoice_for_two_orders_asks_of_each_for_its_lines_and_of_the_first_for_the_rest() -> None:
    mine, other = billed(order_number="PO-1"), billed(number=2, price="3.00", order_number="PO-2")
    one = invoice(mine, other, order_number=None, total="75.00")  # 5.00 of freight

    found = [row for row in whole(record(order(), 50), record(one, 60)) if row.what.startswith("invoice_")]

    assert [(row.what, row.detail, row.matter, row.amount) for row in found] == [
        ("invoice_received", "", "PO-1", "75.00"),
        ("invoice_of_order", "PO-2", "PO-2", "30.00"),
        ("invoice_of_order", "PO-1", "PO-1", "45.00"),
    ]


def test_each_version_of_an_invoice_that_a_person_wrote_is_a_touch() -> None:
    sent, typed = record(invoice(), 60), record(invoice(total="41.00"), 90, 2)
    corrected = Record(typed.kind, typed.key, 2, typed.body, 90, who="c.cole")

    found = [row for row in whole(record(order(), 50), sent, corrected) if row.what == "invoice_written"]

    assert [(row.matter, row.at_micros, row.who) for row in found] == [("S1/I-1", 90, "c.cole")]


@pytest.mark.parametrize(
    ("type_", "source", "counts"),
    [
        (JournalEntryType.ALLOCATION, "Consumption", True),
        (JournalEntryType.ACCRUAL, "Consumption", True),  # of an implant that nobody invoiced yet
        (JournalEntryType.REVERSAL, "Consumption", False),  # the invoice took its place: it was used all the same
        (JournalEntryType.ACCRUAL, "Receipt", False),  # goods, not a use
    ],
)
def test_only_the_ledgers_cost_of_a_use_is_cost_of_it(type_: JournalEntryType, source: str, counts: bool) -> None:
    lines = (JournalLine(account="6100", debit=usd("9.00"), cost_center="OR"),
             JournalLine(account="1310", credit=usd("9.00")))  # fmt: skip
    entry = JournalEntry(
        entry_number="E-1", posted_on=date(2026, 3, 1), lines=lines, entry_type=type_, source_kind=source,
        source_key="U-1",
    )  # fmt: skip

    found = list(milestones_of_command("usage:V-1", entry, "post_journal", "post_journal:E-1", 100))

    costs = [(one.key, one.department, one.amount) for one in found if one.what == "usage_cost"]
    assert costs == ([("U-1", "OR", "9.00")] if counts else [])
    assert [one.amount for one in found if one.what == "cost_allocated"] == ["9.00"]


@pytest.mark.parametrize("amount", ["0.01", "-12345678.90", "0.000001", "99999999999.99"])
def test_amounts_are_exact_in_millionths(amount: str) -> None:
    assert amount_of(units_of(Decimal(amount))) == Decimal(amount)


def test_a_figure_is_divided_once_and_rounded_half_to_even() -> None:
    assert MEASURES["invoice_exception_rate"].value(1, 3) == Decimal("33.33")
    assert MEASURES["order_to_receipt"].value(5, 200) == Decimal("0.02")
    assert MEASURES["invoice_cycle_time"].value(5_400_000_000, 1) == Decimal("1.50")
    assert MEASURES["commitment"].value(1, 1) == Decimal("0.000001")
    assert MEASURES["payment_accuracy"].value(0, 0) is None


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_nothing_is_never_a_share(name: str) -> None:
    one = MEASURES[name]

    shown = one.value(0, 0)

    assert ("no data" if shown is None else format(shown.normalize(), "f")) == one.of_nothing
    assert one.of_nothing == ("0" if one.unit in ("money", "count") else "no data")


@pytest.mark.parametrize("name", [one.name for one in MEASURES.values() if one.unit == "money"])
def test_money_is_told_by_currency(name: str) -> None:
    assert "NULL AS currency" not in MEASURES[name].rows
    assert "GROUP BY 1, 2" in statement(MEASURES[name])  # slice and currency


def test_a_wish_ends_when_it_is_rejected_and_is_open_again_when_it_is_told_anew() -> None:
    line = RequisitionLine(number=1, item_number="M1", quantity=of("3"), anticipated_price=usd("4.00"))
    wish = Requisition(requisition_number="R-1", lines=(line,), requested_on=date(2026, 3, 2))
    key, when = "requisition:R-1", datetime(2026, 3, 3, tzinfo=UTC)
    no = ApprovalAction(
        action_number="A-1", approval_number="R-1", dossier=key, action=ApprovalVerb.REJECT, who="o.okafor", at=when
    )
    anew = wish.model_copy(update={"requester": "r.ruiz"})

    ended = milestones_of(key, Papers([record(wish, 100), record(no, 200)]), ())
    again = milestones_of(key, Papers([record(wish, 100), record(no, 200), record(anew, 300, 2)]), ())

    assert [one.at_micros for one in ended if one.what == "requisition_ended"] == [200]
    assert [one for one in again if one.what == "requisition_ended"] == []


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_every_measure_has_words_an_owner_and_rows_of_the_same_columns(name: str) -> None:
    one = MEASURES[name]

    assert one.meaning.endswith(".")
    assert re.search(r"[iI]n the period|the end of the period|behind now|to now|of now", one.meaning), "which period"
    assert bool(one.not_by) is not (set(one.slices) == set(BY)), "why it is told by nothing else"
    assert one.owner
    assert one.title
    assert all(f"{column}" in one.rows for column in (*COLUMNS, "numerator", "denominator"))
    assert all(statement(one, by).startswith(f"SELECT COALESCE({by}") for by in one.slices)


def test_a_slice_that_a_measure_does_not_have_is_refused() -> None:
    with pytest.raises(OperationError, match="told by"):
        statement(measure("stock_outs"), "supplier; DROP TABLE p2p_records")
    with pytest.raises(NotFoundError):
        measure("none")


def test_only_an_invoice_offers_a_discount_though_its_credit_has_the_same_terms() -> None:
    terms = Terms(net_days=30, discount_percent=Decimal(2), discount_days=10)
    bill = invoice(billed("10")).model_copy(update={"terms": terms})
    credit = bill.model_copy(update={"invoice_kind": InvoiceKind.CREDIT_MEMO, "invoice_number": "C-1"})

    assert told(whole(record(bill, 1)), "discount_offered") == [(1, str(bill.stated_total.amount / 50))]
    assert told(whole(record(credit, 1)), "discount_offered") == []
