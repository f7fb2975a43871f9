"""Writing is strict: what is written reads without a fault, or is refused at its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from engine.core.errors import DataTypeError, DocumentError
from engine.protocols.x12 import OutboundGroup, OutboundSet, Separators, answer, judge, read, write_interchange
from tests.support import x12_samples as samples

MADE_AT = datetime(2026, 11, 20, 8, 15)


def order(*extra: tuple[str, ...], name: str = "HARBOR MAIN") -> OutboundSet:
    segments = [("BEG", "00", "NE", "PO-1", "", "20261120"), ("N1", "ST", name, "92", "HM01")]
    return OutboundSet("850", (*segments, *extra, ("PO1", "1", "5", "EA", "2.50", "", "IN", "7"), ("CTT", "1")))


def group(*sets: OutboundSet, version: str = "004010") -> OutboundGroup:
    return OutboundGroup("PO", version, 7, sets or (order(),))


def test_written_interchange_reads_without_a_fault() -> None:
    data = write_interchange(samples.partner(), 7, MADE_AT, [group(order(), order())])

    found = judge(read(data).interchanges[0], partner=_as_receiver())

    assert found.all_findings == ()
    assert len(list(found.accepted_sets())) == 2


def _as_receiver():  # type: ignore[no-untyped-def]
    """The same partnership seen from the other side."""
    ours = samples.partner()
    return replace(ours, isa_id=ours.our_isa_id, our_isa_id=ours.isa_id)


def test_isa_is_106_characters_and_counts_are_filled_in() -> None:
    text = write_interchange(samples.partner(), 7, MADE_AT, [group()]).decode()

    assert text[105] == "~"
    assert text.startswith("ISA*00*          *00*          *ZZ*HARBORHEALTH   *ZZ*LAKESIDE       *261120*0815*U*00401*")
    assert "*000000007*0*P*>~GS*PO*HARBORHEALTH*LAKESIDE*20261120*0815*7*X*004010~ST*850*0001~" in text
    assert text.endswith("~SE*6*0001~GE*1*7~IEA*1*000000007~")


def test_005010_writes_a_repetition_separator() -> None:
    partner = samples.partner("005010")

    data = write_interchange(partner, 7, MADE_AT, [group(version="005010")])

    assert b"*^*00501*" in data
    assert read(data).findings == ()


def test_separator_that_occurs_in_the_data_is_replaced_by_another() -> None:
    data = write_interchange(samples.partner(), 7, MADE_AT, [group(order(name="A*B>C~D"))])

    file = read(data)

    assert file.findings == ()
    assert file.interchanges[0].groups[0].sets[0].get("N102") == "A*B>C~D"
    assert not set("*>~") & set(_used(file.interchanges[0].separators))


def _used(separators: Separators) -> str:
    return separators.element + separators.component + separators.segment


def test_data_that_holds_every_separator_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        write_interchange(samples.partner(), 7, MADE_AT, [group(order(name="*|^+%"))])

    assert caught.value.where == "ISA"


def test_line_break_after_each_segment_when_the_partner_wants_it() -> None:
    data = write_interchange(replace(samples.partner(), line_break=True), 7, MADE_AT, [group()])

    assert data.count(b"~\n") == 10
    assert read(data).findings == ()


@pytest.mark.parametrize(
    ("segment", "where"),
    [
        (("DTM", "002", "20261199"), "DTM02"),
        (("DTM", "0022", "20261101"), "DTM01"),
        (("REF", "DP", ""), "REF02"),
        (("REF", "DP", "A\nB"), "REF02"),
        (("PID", "F", "", "", "", "X" * 81), "PID05"),
        (("PID", "Q", "", "", "", "X"), "PID01"),
    ],
)
def test_value_that_does_not_fit_is_refused_at_its_place(segment: tuple[str, ...], where: str) -> None:
    body = (("BEG", "00", "NE", "PO-1", "", "20261120"), segment, ("PO1", "1", "5", "EA", "2.50"))
    if segment[0] == "PID":
        body = (body[0], body[2], body[1])

    with pytest.raises(DataTypeError) as caught:
        write_interchange(samples.partner(), 7, MADE_AT, [group(OutboundSet("850", body))])

    assert caught.value.where == where


def test_set_that_breaks_its_definition_is_refused() -> None:
    body = (("BEG", "00", "NE", "PO-1", "", "20261120"), ("CTT", "0"))

    with pytest.raises(DocumentError) as caught:
        write_interchange(samples.partner(), 7, MADE_AT, [group(OutboundSet("850", body))])

    assert caught.value.where == "PO1"


@pytest.mark.parametrize("number", [0, -1, 1_000_000_000])
def test_control_number_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(DocumentError) as caught:
        write_interchange(samples.partner(), number, MADE_AT)

    assert caught.value.where == "ISA13"


def test_interchange_id_of_more_than_15_characters_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        write_interchange(replace(samples.partner(), isa_id="X" * 16), 7, MADE_AT, [group()])

    assert caught.value.where == "ISA08"


def test_composite_elements_are_joined_by_the_component_separator() -> None:
    body = (("AK1", "PO", "7"), ("AK2", "850", "0001"), ("AK3", "SLN", "9", "", "8"))
    body += (("AK4", ("4", "2"), "", "4"), ("AK5", "R", "5"), ("AK9", "R", "1", "1", "0"))
    sent = OutboundGroup("FA", "004010", 7, (OutboundSet("997", body),))

    data = write_interchange(samples.partner(), 7, MADE_AT, [sent])

    assert b"~AK4*4>2**4~" in data
    assert read(data).findings == ()


@pytest.mark.parametrize("version", ["004010", "005010"])
def test_our_answer_reads_without_a_fault(version: str) -> None:
    received = samples.interchange().replace(b"*EA*12.50", b"*EACH*12,50").replace(b"004010", version.encode())
    if version == "005010":
        received = received.replace(b"*U*00401*", b"*^*00501*")
    told = answer(received)
    assert told is not None
    answered = told.group(7)
    assert answered is not None

    data = write_interchange(samples.partner(version), 7, MADE_AT, [answered])

    assert judge(read(data).interchanges[0]).all_findings == ()
