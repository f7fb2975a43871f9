"""810 to Invoice: implied decimals, totals that add up, credits, taxes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.canonical import Invoice, InvoiceKind, Money
from engine.core.errors import DataTypeError, DocumentError, RequiredFieldError
from engine.mapping.x12_810 import invoice_from_810, invoice_to_810
from engine.protocols.x12 import TransactionSet, read
from tests.support import x12_samples as samples


def set_of(*body: str) -> TransactionSet:
    return read(samples.interchange(body, "810", "IN")).interchanges[0].groups[0].sets[0]


def invoice_of(*body: str) -> Invoice:
    return invoice_from_810(set_of(*body))


HEAD = (samples.BIG, "REF*IA*S1001")


@pytest.mark.parametrize(
    ("written", "amount"), [("12345", "123.45"), ("5", "0.05"), ("100", "1.00"), ("-995", "-9.95")]
)
def test_tds01_implies_two_decimals_and_it104_writes_them(written: str, amount: str) -> None:
    invoice = invoice_of(*HEAD, f"IT1*1*1*EA*{amount}**IN*1", f"TDS*{written}")

    assert invoice.stated_total.amount == invoice.lines[0].price.amount == Decimal(amount)


@pytest.mark.parametrize("written", ["123.45", "1,00", "x", "1E2", "١٢"])
def test_tds01_with_a_point_is_refused_and_not_taken_for_a_hundred_times_as_much(written: str) -> None:
    with pytest.raises(DataTypeError) as caught:
        invoice_of(*HEAD, "IT1*1*1*EA*123.45**IN*1", f"TDS*{written}")

    assert caught.value.where == "TDS01"


def test_fields_come_from_their_places() -> None:
    invoice = invoice_of(
        *("BIG*20261120*INV-9*20261101*PO-4711***DI", "CUR*SE*USD", "REF*IA*S1001", "REF*BM*BOL-1"),
        *("N1*RE*LAKESIDE*92*S1001", "ITD*01*3*2**10**30", "DTM*011*20261118"),
        *("IT1*7*10*EA*12.5**IN*100234*UK*00614141000012", "PID*F****GAUZE", "REF*FJ*3", "REF*CA*CC-1", "REF*11*6100"),
        *("TDS*12500", "CTT*1"),
    )

    assert (invoice.invoice_number, invoice.order_number) == ("INV-9", "PO-4711")
    assert (invoice.invoiced_on, invoice.shipped_on) == (date(2026, 11, 20), date(2026, 11, 18))
    line = invoice.lines[0]
    assert (line.number, line.order_line_number, line.cost_center, line.natural_account) == (7, 3, "CC-1", "6100")
    assert line.identifiers[0].scheme == "GTIN"


CREDIT, INVOICE = InvoiceKind.CREDIT_MEMO, InvoiceKind.INVOICE


@pytest.mark.parametrize(("code", "kind"), [("DI", INVOICE), ("", INVOICE), ("CR", CREDIT), ("CN", CREDIT)])
def test_big07_tells_credits(code: str, kind: InvoiceKind) -> None:
    invoice = invoice_of(f"BIG*20261120*INV-9*****{code}", "REF*IA*S1", "IT1*1*1*EA*1**IN*1", "TDS*100")

    assert invoice.invoice_kind is kind


def test_charges_and_taxes_of_lines_and_summary_count() -> None:
    invoice = invoice_of(
        *(*HEAD, "IT1*1*10*EA*12.50**IN*1", "TXI*ST*1.25", "SAC*C*G830***300"),
        *("TDS*13850", "TXI*LS*2.25", "SAC*C*D240***1000", "SAC*A*C310***300"),
    )

    assert invoice.total.amount == invoice.stated_total.amount == Decimal("138.50")
    assert [c.code for c in invoice.charges] == ["G830", "D240", "C310"]
    assert [t.amount.amount for t in invoice.taxes] == [Decimal("1.25"), Decimal("2.25")]


def test_summary_that_repeats_the_charges_of_lines_counts_once() -> None:
    invoice = invoice_of(*HEAD, "IT1*1*1*EA*10**IN*1", "SAC*C*G830***300", "TDS*1300", "SAC*C*G830***300")

    assert [c.amount.amount for c in invoice.charges] == [Decimal("3.00")]


def test_total_that_does_not_add_up_is_refused_at_tds01() -> None:
    body = (*HEAD, "IT1*1*10*EA*12.50**IN*1", "TDS*12501")

    with pytest.raises(DocumentError) as caught:
        invoice_of(*body)

    assert caught.value.where == "TDS01"
    kept = invoice_from_810(set_of(*body), check_total=False)
    assert (kept.stated_total.amount, kept.total.amount) == (Decimal("125.01"), Decimal("125.00"))


def test_due_dates_become_days_from_the_invoice() -> None:
    invoice = invoice_of(*HEAD, "ITD*01*3*2*20261130**20261220", "IT1*1*1*EA*1**IN*1", "TDS*100")

    assert invoice.terms is not None
    assert (invoice.terms.discount_days, invoice.terms.net_days) == (10, 30)


def test_supplier_is_the_channels_then_ref_ia_then_a_party() -> None:
    line = ("IT1*1*1*EA*1**IN*1", "TDS*100")

    assert invoice_from_810(set_of(samples.BIG, "REF*IA*S1", *line), "S9").supplier_number == "S9"
    assert invoice_of(samples.BIG, "REF*IA*S1", "N1*SU*X*92*S2", *line).supplier_number == "S1"
    assert invoice_of(samples.BIG, "N1*RE*X*92*S3", "N1*SU*Y*92*S2", *line).supplier_number == "S2"
    with pytest.raises(RequiredFieldError):
        invoice_of(samples.BIG, *line)


def test_invoice_whose_parts_do_not_add_up_is_not_written() -> None:
    invoice = invoice_of(*HEAD, "IT1*1*1*EA*1**IN*1", "TDS*100")
    wrong = invoice.model_copy(update={"stated_total": Money(amount=Decimal("1.01"))})

    with pytest.raises(DocumentError):
        invoice_to_810(wrong)


@given(st.lists(st.tuples(st.integers(1, 9999), st.decimals("0", "9999.9999", places=4)), min_size=1, max_size=9))
def test_lines_rounded_to_the_cent_add_up_to_tds(lines: list[tuple[int, Decimal]]) -> None:
    total = sum((quantity * price).quantize(Decimal("0.01"), "ROUND_HALF_UP") for quantity, price in lines)
    body = [f"IT1*{n}*{quantity}*EA*{price}**IN*1" for n, (quantity, price) in enumerate(lines, 1)]

    invoice = invoice_of(*HEAD, *body, f"TDS*{int(total * 100)}")

    assert invoice.total == invoice.stated_total


@given(st.integers(1, 9999), st.decimals("0", "9999.99", places=2), st.integers(-999, 999).filter(bool))
def test_cents_too_many_or_too_few_are_always_found(quantity: int, price: Decimal, wrong: int) -> None:
    total = int(quantity * price * 100)

    with pytest.raises(DocumentError):
        invoice_of(*HEAD, f"IT1*1*{quantity}*EA*{price}**IN*1", f"TDS*{total + wrong}")


def test_amounts_beyond_what_can_be_counted_are_refused_and_do_not_break_the_reader() -> None:
    with pytest.raises(DocumentError) as caught:
        invoice_of(*HEAD, "IT1*1*999999999999999*EA*99999999999999.999**IN*1", "TDS*1")

    assert caught.value.where == "total"


@pytest.mark.parametrize(
    ("kind", "purpose", "where"),
    [("DI", "01", "BIG08"), ("DI", "22", "BIG08"), ("CR", "17", "BIG08"), ("ME", "", "BIG07"), ("RA", "00", "BIG07")],
)
def test_what_asks_for_no_payment_or_takes_an_invoice_back_is_no_invoice(kind: str, purpose: str, where: str) -> None:
    with pytest.raises(DocumentError) as caught:
        invoice_of(f"BIG*20261120*INV-9*****{kind}*{purpose}", "REF*IA*S1", "IT1*1*1*EA*1**IN*1", "TDS*100")

    assert caught.value.where == where


@pytest.mark.parametrize("purpose", ["", "00", "05", "07", "15"])
def test_an_original_its_replacement_and_its_duplicate_are_invoices(purpose: str) -> None:
    made = invoice_of(f"BIG*20261120*INV-9*****DI*{purpose}", "REF*IA*S1", "IT1*1*1*EA*1**IN*1", "TDS*100")

    assert made.invoice_kind is INVOICE


@pytest.mark.parametrize("code", ["CR", "CN", "CC", "MC", "CE", "CG"])
@pytest.mark.parametrize(
    ("told", "original", "kept"),
    [
        (("REF*OI*INV-7", "REF*BM*B-1"), "INV-7", ["BM"]),
        (("REF*IV*INV-7",), "INV-7", ["IV"]),
        (("REF*IV*INV-9",), None, ["IV"]),  # its own number
        (("REF*IV*INV-8", "REF*OI*INV-7"), "INV-7", ["IV"]),
        (("REF*OI*INV-6", "REF*OI*INV-7"), None, ["OI", "OI"]),
        ((), None, []),
    ],
)
def test_a_credit_memo_tells_which_invoice_it_credits(
    code: str, told: tuple[str, ...], original: str | None, kept: list[str]
) -> None:
    head = (f"BIG*20261120*INV-9**PO-1***{code}", "REF*IA*S1", *told)
    memo = invoice_of(*head, "IT1*1*1*EA*1**IN*1", "TDS*100")

    assert (memo.invoice_kind, memo.original_invoice_number) == (CREDIT, original)
    assert [one.scheme for one in memo.references] == kept


def test_originals_named_beside_the_lines_of_a_credit_memo_are_its_originals() -> None:
    lines = ("IT1*1*1*EA*1**IN*1", "REF*OI*INV-6", "IT1*2*1*EA*1**IN*2", "REF*OI*INV-7", "TDS*200")
    memo = invoice_of("BIG*20261120*INV-9*****CR", "REF*IA*S1", *lines)

    assert (memo.original_invoice_number, [one.value for one in memo.references]) == (None, ["INV-6", "INV-7"])


def test_an_invoice_that_names_another_one_credits_nothing() -> None:
    invoice = invoice_of("BIG*20261120*INV-9*****DR", "REF*IA*S1", "REF*OI*INV-7", "IT1*1*1*EA*1**IN*1", "TDS*100")

    assert (invoice.invoice_kind, invoice.original_invoice_number) == (INVOICE, None)
    assert [one.value for one in invoice.references] == ["INV-7"]


@pytest.mark.parametrize(
    ("freight", "charged"),
    [("SAC*C*D240***1000", "10.00"), ("SAC*C*D240***-1000", "10.00"), ("SAC*A*D240***1000", "10.00")],
)
def test_a_credit_memo_below_zero_is_the_same_as_one_above_zero(freight: str, charged: str) -> None:
    head = ("BIG*20261120*INV-9*****CN", "REF*IA*S1", "REF*OI*INV-7", "ITD*01*3*2**10**30*-50")
    lines = ("IT1*1*-2*EA*15.5**IN*1", "IT1*2*1*EA*-4**IN*2", "TDS*-4550", "TXI*ST*-0.50", freight)
    memo = invoice_of(*head, *lines)

    assert (memo.invoice_kind, memo.stated_total.amount) == (CREDIT, Decimal("45.50"))
    assert [(str(one.quantity.amount), str(one.price.amount)) for one in memo.lines] == [("2", "15.5"), ("1", "4")]
    assert ([str(one.amount.amount) for one in memo.charges], memo.total) == ([charged], memo.stated_total)
    assert memo.terms is not None
    assert memo.terms.discount_amount == Money(amount=Decimal("0.50"))


def test_an_invoice_below_zero_is_not_taken_for_a_credit_memo() -> None:
    invoice = invoice_of("BIG*20261120*INV-9*****DI", "REF*IA*S1", "IT1*1*-2*EA*15.5**IN*1", "TDS*-3100")

    assert (invoice.invoice_kind, invoice.stated_total.amount) == (INVOICE, Decimal("-31.00"))


def test_the_original_that_a_credit_memo_names_is_written_and_read_again() -> None:
    head = ("BIG*20261120*INV-9**PO-1***CR", "REF*IA*S1", "REF*OI*INV-7")
    memo = invoice_of(*head, "IT1*1*1*EA*1**IN*1", "TDS*100")

    again = invoice_from_810(set_of(*["*".join(map(str, one)) for one in invoice_to_810(memo).segments]))

    assert (again.original_invoice_number, again.references) == ("INV-7", ())


@pytest.mark.parametrize("by", ["*PO*PO-7", ""])
def test_a_line_tells_which_order_lot_and_serial_it_is_of(by: str) -> None:
    line = (f"IT1*1*1*EA*1**IN*1*LT*L-7*SN*S-9{by}", *(() if by else ("REF*PO*PO-7",)))
    (told,) = invoice_of("BIG*20261120*INV-9", "REF*IA*S1", *line, "TDS*100").lines

    assert (told.order_number, told.lot, told.serial, told.identifiers) == ("PO-7", "L-7", "S-9", ())


def test_an_order_number_too_long_for_big04_stands_in_the_heading() -> None:
    invoice = invoice_of("BIG*20261120*INV-9", "REF*IA*S1", "REF*PO*PO-7", "IT1*1*1*EA*1**IN*1", "TDS*100")

    assert (invoice.order_number, invoice.references) == ("PO-7", ())


_lines = st.lists(
    st.tuples(st.integers(1, 50), st.decimals("0.0001", "99.9999", places=4)), min_size=1, max_size=12
)  # fmt: skip


@given(lines=_lines, off=st.integers(-30, 30))
@settings(max_examples=60, deadline=None)
def test_a_total_is_the_sum_of_lines_each_rounded_or_of_all_rounded_once_and_nothing_else(
    lines: list[tuple[int, Decimal]], off: int
) -> None:
    by_line = sum((Money(amount=price * count).rounded().amount for count, price in lines), Decimal(0))
    at_once = Money(amount=sum((price * count for count, price in lines), Decimal(0))).rounded().amount
    stated = by_line + Decimal(off).scaleb(-2)
    told = [f"IT1*{n}*{count}*EA*{price}**IN*{n}" for n, (count, price) in enumerate(lines, 1)]
    body = (*HEAD, *told, f"TDS*{int(stated.scaleb(2))}")

    if stated in (by_line, at_once):
        assert invoice_of(*body).stated_total.amount == stated
    else:
        with pytest.raises(DocumentError, match="do not add up"):
            invoice_of(*body)


def test_the_case_of_a_bill_only_invoice_is_the_mark_of_its_heading_or_line() -> None:
    line = ("IT1*1*1*EA*1**IN*1", "REF*ZZ*C-18*CASE", "IT1*2*1*EA*1**IN*2", "REF*ZZ*77")
    invoice = invoice_of("BIG*20261120*INV-9", "REF*IA*S1", "REF*ZZ*C-17*CASE", "REF*ZZ*88*LANE", *line, "TDS*200")

    assert (invoice.case_reference, [one.case_reference for one in invoice.lines]) == ("C-17", ["C-18", None])
    assert [one.value for one in invoice.references] == ["88"]
