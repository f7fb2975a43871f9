"""850 to PurchaseOrder: qualifiers, notes, parties, and what is refused where."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.canonical import Identifier, PurchaseOrder
from engine.core.errors import DataTypeError, DocumentError, RequiredFieldError
from engine.mapping import x12_parts as parts
from engine.mapping.x12_850 import purchase_order_from_850, purchase_order_to_850
from engine.protocols.x12 import Segment, check_set, read
from tests.support import x12_samples as samples


def order_of(*body: str) -> PurchaseOrder:
    return purchase_order_from_850(read(samples.interchange(body)).interchanges[0].groups[0].sets[0])


HEAD = (samples.BEG, "REF*IA*S1001")


def test_heading_fields_come_from_their_places() -> None:
    order = order_of(
        *("BEG*00*CN*PO-7*R2*20261120*C-0", "CUR*BY*CAD", "REF*IA*S1001", "REF*CT*C-55", "REF*DP*OR-3", "REF*CO*X1"),
        *("ITD*01*3*2*20261130*10*20261220*30*1250****2 10 NET 30", "DTM*002*20261201", samples.PO1),
    )

    assert (order.order_type, order.order_number, order.release_number) == ("CN", "PO-7", "R2")
    assert (order.contract_number, order.department, order.supplier_number) == ("C-55", "OR-3", "S1001")
    assert str(order.needed_by) == "2026-12-01"
    assert order.references == (Identifier(scheme="CO", value="X1"),)
    assert order.currency == order.lines[0].price.currency == "CAD"
    assert order.terms is not None
    assert (order.terms.discount_percent, order.terms.discount_days, order.terms.net_days) == (Decimal(2), 10, 30)


def test_itd08_implies_two_decimals() -> None:
    order = order_of(*HEAD, "ITD*01*3**20261130****12345", samples.PO1)

    assert order.terms is not None
    assert order.terms.discount_amount is not None
    assert order.terms.discount_amount.amount == Decimal("123.45")


@pytest.mark.parametrize(
    ("qualifier", "scheme"),
    [
        *(("UL", "GLN"), ("21", "HIN"), ("11", "DEA"), ("1", "DUNS"), ("91", "SUPPLIER_ASSIGNED")),
        *(("92", "BUYER_ASSIGNED"), ("ZZ", "ZZ")),
    ],
)
def test_party_identifier_keeps_its_list(qualifier: str, scheme: str) -> None:
    order = order_of(*HEAD, f"N1*ST*MAIN*{qualifier}*0614141000012", samples.PO1)

    assert order.parties[0].identifier == Identifier(scheme=scheme, value="0614141000012")


@pytest.mark.parametrize(
    ("qualifier", "scheme"),
    [
        *(("UK", "GTIN"), ("UP", "UPC"), ("EN", "EAN"), ("VC", "VENDOR_CATALOG"), ("VN", "VENDOR_ITEM")),
        *(("BP", "BUYER_PART"), ("MG", "MANUFACTURER_PART"), ("N4", "NDC")),
        ("QX", "QX"),
    ],
)
def test_item_identifier_keeps_its_list_beside_the_buyers_number(qualifier: str, scheme: str) -> None:
    line = order_of(*HEAD, f"PO1*1*2*EA*3**{qualifier}*888*IN*4711").lines[0]

    assert line.item_number == "4711"
    assert line.identifiers == (Identifier(scheme=scheme, value="888"),)


def test_without_the_buyers_number_the_vendors_names_the_item() -> None:
    assert order_of(*HEAD, "PO1*1*2*EA*3**UP*012345678905*VN*V-9").lines[0].item_number == "V-9"


def test_address_belongs_to_its_party_and_references_of_a_party_do_not_become_the_orders() -> None:
    order = order_of(
        *(*HEAD, "N1*ST*HARBOR MAIN*92*HM01", "N2*DOCK 4", "N3*1 PIER RD*SUITE 2", "N4*HARBOR*OH*44101*US"),
        *("REF*DP*NOT-MINE", "N1*BT*HARBOR AP", samples.PO1),
    )

    address = order.parties[0].address
    assert address is not None
    assert (address.name, address.street, address.city) == ("DOCK 4", "1 PIER RD, SUITE 2", "HARBOR")
    assert order.department is None
    assert [p.role for p in order.parties] == ["ST", "BT"]


def test_line_keeps_its_own_segments_and_not_those_of_its_schedules() -> None:
    order = order_of(
        *(*HEAD, samples.PO1, "PID*F****GAUZE", "PID*F****STERILE", "REF*CA*CC-100", "DTM*002*20261202"),
        *("SCH*4*EA***002*20270101", "N1*ST*OTHER", "REF*CA*WRONG", "CTT*1"),
    )

    line = order.lines[0]
    assert (line.description, line.cost_center, str(line.needed_by)) == ("GAUZE STERILE", "CC-100", "2026-12-02")
    assert order.parties == ()


@pytest.mark.parametrize(
    ("basis", "unit", "price"),
    [("PE", "EA", "250"), ("HP", "EA", "2.5"), ("TP", "EA", "0.25"), ("PN", "EA", "25"), ("PD", "DZ", "250")],
)
def test_price_per_hundred_or_thousand_becomes_the_exact_unit_price(basis: str, unit: str, price: str) -> None:
    line = order_of(*HEAD, f"PO1*1*10*{unit}*250*{basis}*IN*1").lines[0]

    assert line.price.amount == Decimal(price)


def test_price_per_dozen_of_single_units_has_no_exact_unit_price() -> None:
    with pytest.raises(DataTypeError) as caught:
        order_of(*HEAD, "PO1*1*10*EA*250*PD*IN*1")

    assert caught.value.where == "PO105[1]"


def test_allowance_is_negative_and_sac05_implies_two_decimals() -> None:
    order = order_of(*HEAD, "SAC*C*D240***12345", "SAC*A*F340***500", "SAC*N*ZZZZ***999", samples.PO1)

    assert [c.amount.amount for c in order.charges] == [Decimal("123.45"), Decimal("-5.00")]
    assert order.total.amount == Decimal("243.45")


def test_charge_by_rate_is_rate_times_quantity() -> None:
    order = order_of(*HEAD, "SAC*A*F340||||||0.01|PN|63".replace("|", "*"), samples.PO1)

    assert order.charges[0].amount.amount == Decimal("-0.63")


@pytest.mark.parametrize(
    ("body", "error", "where"),
    [
        ((samples.PO1,), RequiredFieldError, "BEG03"),
        (("BEG*00*NE*PO-7**20261131", "REF*IA*S1", samples.PO1), DataTypeError, "BEG05"),
        ((samples.BEG, samples.PO1), RequiredFieldError, "REF IA"),
        ((*HEAD, "PO1*1*10*EA**PE*IN*1"), RequiredFieldError, "PO104[1]"),
        ((*HEAD, samples.PO1, "PO1*2*x*EA*1**IN*1"), DataTypeError, "PO102[2]"),
        ((*HEAD, samples.PO1, "PO1*2*1*EA*NaN**IN*1"), DataTypeError, "PO104[2]"),
        ((*HEAD, "PO1*1*1*EA*1"), RequiredFieldError, "PO107[1]"),
        ((*HEAD, "SAC*C*D240***1.50", samples.PO1), DataTypeError, "SAC05[1]"),
        ((*HEAD, "CTT*0"), DocumentError, "lines"),
        ((*HEAD, "CUR*BY*usd", samples.PO1), DataTypeError, "CUR02"),
        ((*HEAD, "N1*ST*MAIN*92*" + "9" * 81, samples.PO1), DocumentError, "Identifier value"),
        ((*HEAD, "PO1*1*1E99*EA*1**IN*1"), DataTypeError, "PO102[1]"),
    ],
)
def test_what_makes_no_order_is_refused_at_its_place(body: tuple[str, ...], error: type[Exception], where: str) -> None:
    with pytest.raises(error) as caught:
        order_of(*body)

    assert getattr(caught.value, "where") == where  # noqa: B009


def test_error_of_a_document_names_the_field_and_no_value() -> None:
    with pytest.raises(DocumentError) as caught:
        order_of("BEG*00*NE*" + "SECRET" * 20 + "**20261120", "REF*IA*S1", samples.PO1)

    assert caught.value.where == "order_number"
    assert "SECRET" not in str(caught.value)


def test_lines_of_a_note_become_segments_and_line_ends_in_texts_become_blanks() -> None:
    order = order_of(*HEAD, samples.PO1)
    line = order.lines[0].model_copy(update={"description": "GAUZE\r\nSTERILE"})
    written = purchase_order_to_850(order.model_copy(update={"lines": (line,), "notes": ("FIRST\nSECOND",)}))

    assert [s[1] for s in written.segments if s[0] == "MSG"] == ["FIRST", "SECOND"]
    assert [s[5] for s in written.segments if s[0] == "PID"] == ["GAUZE STERILE"]
    check_set(written, "004010")


def test_no_text_for_people_is_changed_in_identifiers() -> None:
    order = order_of(*HEAD, samples.PO1).model_copy(update={"order_number": "PO\n1"})

    with pytest.raises(DataTypeError) as caught:
        check_set(purchase_order_to_850(order), "004010")

    assert caught.value.where == "BEG03"


@pytest.mark.parametrize("blanks", [1, 2, 3])
@pytest.mark.parametrize("before", [76, 78, 79, 80, 81])
def test_a_long_description_keeps_each_of_its_blanks_where_it_is_parted(before: int, blanks: int) -> None:
    text = ("abcd " * 20)[: before - 1] + "x" + " " * blanks + "b" * 40

    segments = parts.write_description(text, "PID05[1]")

    assert len(segments) == 2
    assert parts.read_description([Segment(str(s[0]), [str(v) for v in s]) for s in segments]) == text


@pytest.mark.parametrize(
    ("told", "basis", "unit", "price"),
    [("250", "HF", "FT", "2.5"), ("250", "TF", "LF", "0.25"), ("240", "PD", "EA", "20"), ("2.70", "TD", "EA", "0.225")],
)
def test_prices_by_length_and_by_dozens_are_of_one_unit(told: str, basis: str, unit: str, price: str) -> None:
    assert order_of(*HEAD, f"PO1*1*10*{unit}*{told}*{basis}*IN*1").lines[0].price.amount == Decimal(price)


@pytest.mark.parametrize("line", ["PO1*1*10*RL*250*HF*IN*1", "PO1*1*10*EA*250*PD*IN*1", "PO1*1*10*CA*240*PD*IN*1"])
def test_a_price_of_a_unit_that_the_goods_are_not_counted_in_is_refused(line: str) -> None:
    with pytest.raises(DataTypeError):
        order_of(*HEAD, line)


def test_lot_and_serial_of_a_line_are_its_own_and_are_written_for_the_supplier() -> None:
    order = order_of(*HEAD, "PO1*1*1*EA*3**IN*4711*LT*L-7*SN*S-9*LT*L-8")
    (line,) = order.lines

    assert (line.lot, line.serial, line.identifiers) == ("L-7", "S-9", (Identifier(scheme="LOT", value="L-8"),))
    written = next(one for one in purchase_order_to_850(order).segments if one[0] == "PO1")
    assert written[-6:] == ("LT", "L-7", "SN", "S-9", "LT", "L-8")


def test_a_bill_only_order_tells_its_supplier_the_case_and_the_piece_that_was_used() -> None:
    order = order_of(*HEAD, "PO1*1*1*EA*3**IN*4711*LT*L-7*SN*S-9").model_copy(update={"case_reference": "C-17"})
    written = purchase_order_to_850(order).segments

    assert ("REF", "ZZ", "C-17", "CASE") in written
    assert any(one[-4:] == ("LT", "L-7", "SN", "S-9") for one in written if one[0] == "PO1")
