"""How bodies, documents and figures are shown, and that an edit changes nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.console.documents import view_document
from engine.console.editing import EDIT_LIMIT, to_bytes, to_text
from engine.console.figures import of_engine, spark_points
from engine.console.findings import of_body
from engine.console.segments import view_body
from engine.console.words import CHANNEL_TONES, DELIVERY_TONES, MEANINGS, MESSAGE_TONES, count, rate, remedy, size, told
from engine.ports.connector import Reason
from engine.ports.states import DeliveryState, MessageState
from tests.support import harbor_messages as harbor
from tests.support.operations_double import OperationsDouble

ISA = b"ISA*00*          *00*          *ZZ*A              *ZZ*B              *261120*0730*U*00401*000000001*0*P*>~"


# ------------------------------------------------------------------ bodies
def test_hl7_fields_have_the_places_of_the_standard() -> None:
    view = view_body(b"MSH|^~\\&|ORSYS|HARBOR\rPID|1||MR-1\r")

    places = {f.place: f.text for segment in view.segments for f in segment.fields}
    assert view.format == "HL7 v2"
    assert places["MSH-2"] == "^~\\&"
    assert places["MSH-3"] == "ORSYS"
    assert places["PID-3"] == "MR-1"


@pytest.mark.parametrize("ending", [b"\r", b"\n", b"\r\n"])
def test_hl7_with_any_line_end_has_the_same_segments(ending: bytes) -> None:
    view = view_body(ending.join([b"MSH|^~\\&|A", b"EVN|A01", b"PID|1"]) + ending)

    assert [s.name for s in view.segments] == ["MSH", "EVN", "PID"]


def test_x12_elements_have_the_places_of_the_standard() -> None:
    view = view_body(ISA + b"GS*IN*A*B~\nBIG*20261119*INV-1~\n")

    places = {f.place: f.text for segment in view.segments for f in segment.fields}
    assert view.format == "X12"
    assert places["BIG02"] == "INV-1"
    assert places["ISA16"] == ">"


def test_json_keeps_every_digit() -> None:
    view = view_body(b'{"amount": 1.10, "number": 12345678901234567890.123456789}')

    assert view.format == "JSON"
    assert '"amount": 1.10' in view.text
    assert "12345678901234567890.123456789" in view.text


def test_binary_is_shown_in_hexadecimal() -> None:
    assert view_body(b"\x00\x01PK").text.endswith("00 01 50 4b")


@given(st.binary(max_size=300) | st.builds(lambda tail: b"MSH|" + tail, st.binary(max_size=100)))
def test_no_body_makes_the_view_fail(body: bytes) -> None:
    assert view_body(body).format


# ------------------------------------------------------------------ editing
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | st.sampled_from([ISA + b"GS*IN~", b"a\rb\rc"]))
def test_an_unedited_body_comes_back_byte_for_byte(body: bytes) -> None:
    shown = to_text(body)
    if shown is not None:
        text, style = shown
        assert to_bytes(text, style) == body
        assert to_bytes(text.replace("\n", "\r\n"), style) == body  # as a browser sends it


@pytest.mark.parametrize("body", [b"a\r\nb\rc", b"a\nb\rc", b"\x00", b"x" * (EDIT_LIMIT + 1)])
def test_a_body_that_would_not_survive_is_not_edited(body: bytes) -> None:
    assert to_text(body) is None


def test_x12_is_edited_one_segment_a_line_and_goes_out_unbroken() -> None:
    shown = to_text(ISA + b"GS*IN~SE*1~")
    assert shown is not None
    text, style = shown

    assert text.count("\n") == 3
    assert to_bytes(text.replace("GS*IN", "GS*PO"), style) == ISA + b"GS*PO~SE*1~"


@pytest.mark.parametrize("style", ["", "utf-8", "utf-8:9", "utf-16:1", "idna:0"])
def test_a_forged_style_is_refused(style: str) -> None:
    with pytest.raises(ValueError, match="style"):
        to_bytes("text", style)


def test_a_character_outside_the_charset_is_refused() -> None:
    with pytest.raises(ValueError, match="latin-1"):
        to_bytes("price €", "latin-1:1")


# ------------------------------------------------------------------ documents
def test_money_quantities_and_lines_are_shown_as_tables() -> None:
    facts = {"invoice": "INV-1", "order": "PO-1", "item": "400100"}
    view = view_document(harbor.INVOICE_DOCUMENT.format(**facts).encode())
    assert view is not None

    assert {name: cell.text for name, cell in view.facts}["Stated total"] == "1,140.00 USD"
    table = view.tables[0]
    assert [c.text for c in table.columns] == ["Number", "Item number", "Quantity", "Price"]
    assert [c.text for c in table.rows[0]] == ["1", "400100", "24 BX", "38.40 USD"]
    assert [c.exact for c in table.columns] == [True, False, True, True]


@pytest.mark.parametrize("body", [b"", b"[]", b"MSH|", b"\xff", b'{"a":'])
def test_what_is_not_a_document_is_not_a_table(body: bytes) -> None:
    assert view_document(body) is None


# ------------------------------------------------------------------ figures and words
async def test_every_figure_of_the_sums_is_the_sum_of_its_channels() -> None:
    engine = await OperationsDouble().status()

    figures = of_engine(engine)

    held = sum(c.counts.get("HELD", 0) for c in engine.channels)
    assert figures["all.held"].text == count(held)
    assert figures["all.queued"].text == count(sum(d.queued for c in engine.channels for d in c.destinations))
    assert figures["all.running"].text == "4 of 6"
    assert figures["supply_charges.to.erp.state"].tone == "warn"


def test_a_spark_line_stays_inside_its_box() -> None:
    points = [tuple(map(float, p.split(","))) for p in spark_points([0, 5, 10, 0.1]).split()]

    assert [x for x, _ in points] == [0, 40, 80, 120]
    assert all(0 <= y <= 24 for _, y in points)
    assert spark_points([]) == spark_points([1.0]) == ""


def test_every_state_has_a_tone_and_a_meaning() -> None:
    assert set(MESSAGE_TONES) == set(MEANINGS) == set(MessageState)
    assert set(DELIVERY_TONES) == set(DeliveryState)
    assert set(CHANNEL_TONES) == {"running", "paused", "stopped", "failed"}


@pytest.mark.parametrize("code", ["F002", "D004", "S001", "T002", "J003", "M005", "E000"])
def test_every_held_reason_says_what_to_do(code: str) -> None:
    assert len(remedy(Reason(code, "x"))) > 20
    assert remedy(Reason(code, "x", remedy="call the desk")) == "call the desk"


def test_numbers_are_written_for_people() -> None:
    assert [rate(0.04), rate(12.34), rate(1234.5)] == ["0.0", "12.3", "1234"]
    assert [size(0), size(2048), size(3 * 1024**2)] == ["0 B", "2.0 KiB", "3.0 MiB"]
    assert count(1318000) == "1,318,000"


# ------------------------------------------------------------------ findings
def test_findings_have_code_and_place_and_no_value() -> None:
    body = harbor.INVOICE.format(n=7, invoice="INV-1", order="PO-1", item="400100").replace("CTT*2", "CTT*SECRET")
    found = of_body(body.encode().replace(b"IEA*1*", b"IEA*9*"), "X12")

    assert any("IEA01" in finding.where for finding in found)
    assert all(finding.code and finding.text for finding in found)
    assert "SECRET" not in str(found)


def test_a_body_that_cannot_be_read_is_one_finding_with_its_code() -> None:
    assert [finding.code for finding in of_body(b"MSH", "HL7 v2")] == ["M005"]


def test_a_tolerated_line_end_is_a_finding() -> None:
    body = harbor.ADMISSION.format(control="A1", n=1, given="ALPHA").replace("\r", "\n").encode()

    assert [finding.code for finding in of_body(body, "HL7 v2")] == ["H003"]


@given(st.binary(max_size=200), st.sampled_from(["HL7 v2", "X12", "JSON", "text"]))
def test_no_body_makes_the_findings_fail(body: bytes, format_name: str) -> None:
    assert isinstance(of_body(body, format_name), list)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("1250.50 USD", "1,250.50 USD"), ("-12000 EA", "-12,000 EA"), ("021000021", "021000021"), ("PO-4711", "PO-4711"),
     ("1200 Main Street", "1200 Main Street"), ("2026-11-20", "2026-11-20"), ("", "")],
)  # fmt: skip
def test_values_of_documents_have_thousands_told_apart_and_numbers_of_things_do_not(text: str, shown: str) -> None:
    assert told(text) == shown
