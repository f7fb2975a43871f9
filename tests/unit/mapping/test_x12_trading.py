"""855, 856 and 820 to canonical documents and back: the acknowledgement, the shipment notice, the remittance."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from engine.canonical import LineAction, Money, OrderAcknowledgement, Remittance, ShipmentNotice
from engine.core.errors import DataTypeError, DocumentError, RequiredFieldError
from engine.mapping.x12_820 import remittance_from_820, remittance_to_820
from engine.mapping.x12_855 import order_acknowledgement_from_855, order_acknowledgement_to_855
from engine.mapping.x12_856 import shipment_notice_from_856, shipment_notice_to_856
from engine.protocols.x12 import (
    EnvelopePolicy,
    OutboundGroup,
    OutboundSet,
    TransactionSet,
    judge,
    read,
    write_interchange,
)
from tests.support import x12_samples as samples
from tests.support.x12_documents import order_acknowledgements, remittances, shipment_notices

SHORT = 15
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]  # explaining a failure takes minutes
VERSIONS = ("004010", "005010")


def received(code: str, group: str, *body: str) -> TransactionSet:
    data = samples.interchange(body, code, group)
    return read(data, EnvelopePolicy.TOLERANT).interchanges[0].groups[0].sets[0]


def sent_and_received(one: OutboundSet, functional_id: str, version: str) -> TransactionSet:
    """Through bytes: written by us, read strictly by the far side."""
    group = OutboundGroup(functional_id, version, 12, (one,))
    data = write_interchange(samples.partner(version), 12, datetime(2026, 11, 20, 8, 15), [group])
    outcome = judge(read(data).interchanges[0])
    assert outcome.all_findings == ()
    ((_, back),) = outcome.accepted_sets()
    return back


def acknowledgement_back(one: OrderAcknowledgement) -> list[OrderAcknowledgement]:
    written = order_acknowledgement_to_855(one)
    return [order_acknowledgement_from_855(sent_and_received(written, "PR", v)) for v in VERSIONS]


def notice_back(one: ShipmentNotice) -> list[ShipmentNotice]:
    """856 has no element for our number of the supplier: the channel knows it."""
    written = shipment_notice_to_856(one)
    return [shipment_notice_from_856(sent_and_received(written, "SH", v), one.supplier_number) for v in VERSIONS]


def remittance_back(one: Remittance) -> list[Remittance]:
    written = remittance_to_820(one)
    return [remittance_from_820(sent_and_received(written, "RA", v)) for v in VERSIONS]


@given(order_acknowledgements())
@settings(max_examples=SHORT, deadline=None, suppress_health_check=CHECKS, phases=PHASES)
def test_written_acknowledgement_reads_as_the_same(one: OrderAcknowledgement) -> None:
    assert acknowledgement_back(one) == [one, one]


@given(shipment_notices)
@settings(max_examples=SHORT, deadline=None, suppress_health_check=CHECKS, phases=PHASES)
def test_written_notice_reads_as_the_same(one: ShipmentNotice) -> None:
    assert notice_back(one) == [one, one]


@given(remittances())
@settings(max_examples=SHORT, deadline=None, suppress_health_check=CHECKS, phases=PHASES)
def test_written_remittance_reads_as_the_same(one: Remittance) -> None:
    assert remittance_back(one) == [one, one]


BAK = "BAK*00*AC*PO-1*20261120****SO-9"


def test_a_line_split_between_shipment_and_backorder_has_two_answers() -> None:
    line = ("PO1*2*10*EA*2.5**IN*7", "ACK*IA*6*EA*068*20261201", "ACK*IB*4*EA")
    one = order_acknowledgement_from_855(received("855", "PR", BAK, "REF*IA*S1", *line, "CTT*1"))

    (acknowledged,) = one.lines
    assert [a.action for a in acknowledged.answers] == [LineAction.ACCEPTED, LineAction.BACKORDERED]
    assert [a.quantity.amount for a in acknowledged.answers if a.quantity] == [Decimal(6), Decimal(4)]
    assert acknowledged.answers[0].expected_on == date(2026, 12, 1)
    assert (one.acknowledgement_number, one.natural_key, one.accepted) == ("SO-9", "PO-1/2026-11-20", False)


@pytest.mark.parametrize(
    ("code", "action"),
    [
        ("IA", LineAction.ACCEPTED),
        ("IP", LineAction.CHANGED),
        ("IQ", LineAction.CHANGED),
        ("IS", LineAction.SUBSTITUTED),
        ("ID", LineAction.DELETED),
        ("R4", LineAction.REJECTED),
        ("IH", LineAction.OTHER),
    ],
)
def test_acknowledgement_codes_have_their_action(code: str, action: LineAction) -> None:
    lines = ("PO1*1*1*EA*1**IN*7", f"ACK*{code}*1*EA")
    one = order_acknowledgement_from_855(received("855", "PR", BAK, *lines), "S1")

    assert one.lines[0].answers[0].action is action


@pytest.mark.parametrize(
    ("kind", "action"), [("AD", LineAction.ACCEPTED), ("RJ", LineAction.REJECTED), ("AC", LineAction.CHANGED)]
)
def test_a_line_without_ack_is_answered_by_the_whole(kind: str, action: LineAction) -> None:
    begin = BAK.replace("*AC*", f"*{kind}*")
    one = order_acknowledgement_from_855(received("855", "PR", begin, "PO1*1*1*EA*1**IN*7"), "S1")

    assert [a.action for a in one.lines[0].answers] == [action]


@pytest.mark.parametrize(
    ("ack", "item", "theirs"),
    [
        ("ACK*IS*1*EA*068*20261123**IN*M9*VN*X-9", "M9", "X-9"),
        ("ACK*IS*1*EA*068*20261123**VN*X-9", "X-9", "X-9"),
        ("ACK*IS*1*EA", "M1", "X-1"),  # then PO1 says what comes
        ("ACK*IA*1*EA*068*20261123**IN*M9*VN*X-9", "M1", "X-1"),  # repeated, and nothing comes in its place
    ],
)
def test_what_comes_in_place_of_an_item_stands_in_the_answer_that_says_so(ack: str, item: str, theirs: str) -> None:
    (line,) = order_acknowledgement_from_855(
        received("855", "PR", BAK, "REF*IA*S1", "PO1*1*1*EA*1**IN*M1*VN*X-1", ack, "CTT*1")
    ).lines

    assert (line.item_number, [one.value for one in line.identifiers]) == (item, [theirs])


NOTICE = (
    *("BSN*00*SHP-1*20261120*0815*0001", "HL*1**S", "TD5**2*UPSN", "REF*BM*BOL7", "DTM*017*20261122"),
    *("N1*SF*LAKESIDE*92*S1", "HL*2*1*O", "PRF*PO-1", "HL*3*2*P", "MAN*GM*00050387690000000017"),
    *("HL*4*3*I", "LIN*2*IN*7*LT*L9*SN*X1", "SN1*2*10*EA", "DTM*036*20280131"),
)


def test_a_shipped_line_names_its_order_and_package() -> None:
    one = shipment_notice_from_856(received("856", "SH", *NOTICE))

    (line,) = one.lines
    assert (line.order_number, line.order_line_number, line.item_number) == ("PO-1", 2, "7")
    assert (line.lot, line.serial, line.expires_on) == ("L9", "X1", date(2028, 1, 31))
    assert line.package == "00050387690000000017"
    assert (one.supplier_number, one.carrier, one.bill_of_lading) == ("S1", "UPSN", "BOL7")
    assert one.natural_key == "S1/SHP-1"


def test_a_level_below_none_is_refused() -> None:
    wrong = [s.replace("HL*4*3*I", "HL*4*9*I") for s in NOTICE]

    with pytest.raises(DocumentError) as caught:
        shipment_notice_from_856(received("856", "SH", *wrong))

    assert caught.value.where == "HL02[4]"


PAYMENT = ("BPR*C*190.5*C*ACH************20261120", "TRN*1*T-1", "N1*PE*LAKESIDE*92*S1", "ENT*1", "ADX*-9.5*01")
LINES = ("RMR*IV*INV-1**100*110*10", "DTM*003*20261101", "RMR*IV*INV-2**100", "ADX*-5*72*IV*INV-2")


def test_a_remittance_adds_up() -> None:
    one = remittance_from_820(received("820", "RA", *PAYMENT, *LINES))

    assert one.total == one.amount == Money(amount=Decimal("190.5"))
    assert [(line.number, line.paid.amount) for line in one.lines] == [("INV-1", 100), ("INV-2", 100)]
    assert one.lines[0].dated_on == date(2026, 11, 1)
    assert one.lines[0].discount == Money(amount=Decimal(10))
    assert [a.amount.amount for a in one.lines[1].adjustments] == [Decimal(-5)]
    assert (one.supplier_number, one.remittance_number) == ("S1", "T-1")


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("TRN*1*T-1", "TRN*1", "TRN02"),
        ("*20261120", "", "BPR16"),
        ("N1*PE*LAKESIDE*92*S1", "N1*PE*LAKESIDE", "N1 PE"),
        ("RMR*IV*INV-1**100*110*10", "RMR*IV*INV-1", "RMR04[1]"),
    ],
)
def test_a_remittance_names_what_is_missing(old: str, new: str, where: str) -> None:
    body = [s.replace(old, new) for s in (*PAYMENT, *LINES)]

    with pytest.raises(RequiredFieldError) as caught:
        remittance_from_820(received("820", "RA", *body))

    assert caught.value.where == where


def test_what_is_no_number_is_told_by_place_alone() -> None:
    body = [s.replace("**100*110", "**SECRET*110") for s in (*PAYMENT, *LINES)]

    with pytest.raises(DataTypeError) as caught:
        remittance_from_820(received("820", "RA", *body))

    assert caught.value.where == "RMR04[1]"
    assert "SECRET" not in str(caught.value)
