"""What happened, as rows: the same whatever came first, taken away when it was not so, and exact in millionths."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from engine.canonical import Document
from engine.core.errors import NotFoundError, OperationError
from engine.ports.measures import Milestone, amount_of, units_of
from engine.ports.procure import Case, Dossier, Record
from engine.procure.measures.catalog import MEASURES, measure
from engine.procure.measures.compute import statement
from engine.procure.measures.measure import COLUMNS
from engine.procure.milestones import milestones_of, moved
from engine.procure.papers import Papers
from tests.support.purchases import invoice, order, ordered, receipt, usd

KEY = "order:PO-1"


def record(document: Document, at: int, version: int = 1) -> Record:
    return Record(document.kind, document.natural_key, version, document.model_dump_json().encode(), at)


def rows(*records: Record, cases: tuple[Case, ...] = ()) -> dict[str, Milestone]:
    return {one.what: one for one in milestones_of(KEY, Papers(records), cases)}


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

    found = rows(record(order(kept, above), 100))

    assert (found["order_on_contract"].amount, found["order_created"].amount) == ("40.00", "90.00")


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
def test_every_measure_has_words_an_owner_and_rows_of_the_same_columns(name: str) -> None:
    one = MEASURES[name]

    assert one.meaning.endswith(".")
    assert one.owner
    assert one.title
    assert all(f"{column}" in one.rows for column in (*COLUMNS, "numerator", "denominator"))
    assert all(statement(one, by).startswith(f"SELECT COALESCE({by}") for by in one.slices)


def test_a_slice_that_a_measure_does_not_have_is_refused() -> None:
    with pytest.raises(OperationError, match="told by"):
        statement(measure("stock_outs"), "supplier; DROP TABLE p2p_records")
    with pytest.raises(NotFoundError):
        measure("none")
