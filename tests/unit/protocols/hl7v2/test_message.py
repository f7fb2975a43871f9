"""The lossless message view."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from engine.core.errors import (
    CharsetError,
    DataTypeError,
    FieldError,
    RequiredFieldError,
    StructureError,
)
from engine.protocols.hl7v2 import NULL, FindingCode, Hl7Message

BODY = (
    b"MSH|^~\\&|OR|HARBOR|ISTHMUS|HARBOR|20260301101500-0500||OMS^O05^OMS_O05|C1|P|2.5.1|||AL|NE\r"
    b'PID|1||M1^^^HARBOR^MR~S2&x^^^SSA||DOE^JANE|""||F\r'
    b"ORC|NW|RQ101^OR\r"
    b"RQD|1||||5.50|BX^Box|CC4100|||20260305\r"
    b"NTE|1||a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\r"
    b"RQD|2|IC^Kit||H77|x|EA\r"
    b"ZFT|z1|\r"
)


def parse(body: bytes = BODY, **options: str) -> Hl7Message:
    return Hl7Message.parse(body, **options)


def test_unedited_message_is_returned_verbatim() -> None:
    message = parse()
    message.get("PID-3.1")

    assert bytes(message) == BODY
    assert message.encode() is BODY


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("MSH-1", "|"),
        ("MSH-2", "^~\\&"),
        ("MSH-3", "OR"),
        ("MSH-9", "OMS"),
        ("MSH-9.2", "O05"),
        ("MSH-10", "C1"),
        ("MSH-99", None),
        ("PID-3", "M1"),
        ("PID-3.4", "HARBOR"),
        ("PID-3.9", None),
        ("PID-3[2]", "S2"),
        ("PID-3[2].1.2", "x"),
        ("PID-3[2].4", "SSA"),
        ("PID-3[3]", None),
        ("PID-2", None),
        ("PID-5.2", "JANE"),
        ("PID-5.1.1", "DOE"),
        ("PID-5.1.2", None),
        ("PID-6", NULL),
        ("RQD-5", "5.50"),
        ("RQD[2]-2.2", "Kit"),
        ("RQD[3]-1", None),
        ("PV1-2", None),
        ("NTE-3", "a|b^c&d~e\\f"),
        ("ZFT-1", "z1"),
        ("ZFT-2", None),
    ],
)
def test_get_reads_the_first_of_what_the_place_leaves_out(place: str, value: str | None) -> None:
    assert parse().get(place) == value


@pytest.mark.parametrize(
    ("place", "state"),
    [
        ("PID-2", "empty"),
        ("PID-6", "null"),
        ("PID-8", "valued"),
        ("PID-9", "absent"),
        ("PV1-1", "absent"),
        ("ZFT-2", "empty"),
        ("PID-3[2].2", "empty"),
        ("PID-3[2].9", "absent"),
        ("PID-5", "valued"),
    ],
)
def test_absent_empty_null_and_valued_are_told_apart(place: str, state: str) -> None:
    assert parse().state(place) == state


@pytest.mark.parametrize(
    "place", ["", "PID", "PID-0", "pid-3", "PID-3.0", "PID[0]-3", "PID-3.1.1.1", "PIDX-3", "PID-3 "]
)
def test_a_place_of_another_form_is_refused(place: str) -> None:
    with pytest.raises(FieldError) as caught:
        parse().get(place)
    assert caught.value.where == place


def test_raw_keeps_separators_and_escapes() -> None:
    message = parse()

    assert message.raw("PID-3") == b"M1^^^HARBOR^MR~S2&x^^^SSA"
    assert message.raw("PID-3[2]") == b"S2&x^^^SSA"
    assert message.raw("PID-3[2].1") == b"S2&x"
    assert message.raw("NTE-3") == b"a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f"
    assert message.raw("MSH-2") == b"^~\\&"
    assert message.raw("PV1-1") == b""


def test_repetitions_read_the_element_of_each() -> None:
    assert parse().repetitions("PID-3.1") == ("M1", "S2")
    assert parse().repetitions("PID-2") == ()
    assert parse().repetitions("PV1-2") == ()


def test_typed_values() -> None:
    first, second = parse().all("RQD")

    assert first.integer(1) == 1
    assert first.number(5) == Decimal("5.50")
    assert first.date(10) == date(2026, 3, 5)
    assert second.date(10, None) is None
    assert parse().moment("MSH-7") == datetime(2026, 3, 1, 15, 15, tzinfo=UTC)
    with pytest.raises(DataTypeError) as caught:
        second.number(5)
    assert caught.value.where == "RQD[2]-5"
    assert "x" not in caught.value.what


def test_a_time_without_a_zone_takes_that_of_msh_7_before_the_channels() -> None:
    channel_zone = timezone(timedelta(hours=9))
    body = BODY.replace(b"20260305", b"202603050800")

    assert parse(body).moment("RQD-10") == datetime(2026, 3, 5, 13, 0, tzinfo=UTC)

    without = body.replace(b"20260301101500-0500", b"20260301101500")
    message = Hl7Message.parse(without, zone=channel_zone)
    assert message.moment("RQD-10") == datetime(2026, 3, 4, 23, 0, tzinfo=UTC)
    with pytest.raises(DataTypeError):
        Hl7Message.parse(without).moment("RQD-10")


def test_a_required_value_that_is_absent_empty_or_null_is_an_error_with_its_place() -> None:
    for place in ("PID-2", "PID-6", "PV1-2"):
        with pytest.raises(RequiredFieldError) as caught:
            parse().require(place)
        assert caught.value.where == place
    with pytest.raises(RequiredFieldError) as caught:
        parse().all("RQD")[1].require((10,))
    assert caught.value.where == "RQD[2]-10"


def test_segments_by_name_and_in_groups() -> None:
    message = parse()

    assert [segment.name for segment in message.segments] == ["MSH", "PID", "ORC", "RQD", "NTE", "RQD", "ZFT"]
    assert message.first("PV1") is None
    assert [segment.place for segment in message.all("RQD")] == ["RQD[1]", "RQD[2]"]
    groups = message.groups("RQD", with_=("NTE", "ZFT"))
    assert [[follower.name for follower in group.followers] for group in groups] == [["NTE"], ["ZFT"]]
    assert groups[0].first("NTE") is not None
    assert groups[1].all("NTE") == ()


def test_a_segment_is_read_by_number_text_or_numbers() -> None:
    pid = parse().first("PID")
    assert pid is not None

    assert pid.get(3) == "M1"
    assert pid.get("3[2].4") == "SSA"
    assert pid.get((3, 1, 2, 2)) == "x"
    assert pid.repetitions("3.4") == ("HARBOR", "SSA")
    assert pid.state(6) == "null"
    assert bytes(pid).startswith(b"PID|1||M1")


def test_a_longer_segment_name_is_not_taken_for_a_shorter_one() -> None:
    message = parse(BODY.replace(b"ORC|", b"PIDX|").replace(b"PID|1", b"ORC|1"))

    assert message.get("PID-1") is None
    assert [finding.code for finding in message.findings] == [FindingCode.SEGMENT_NAME]


def test_a_segment_of_only_its_name_is_found() -> None:
    message = parse(b"MSH|^~\\&|A\rPV1\rPV1|2\r")

    assert message.first("PV1") is not None
    assert message.get("PV1-1") is None
    assert message.get("PV1[2]-1") == "2"


# ------------------------------------------------------------------ editing
def test_an_edit_rewrites_only_its_own_segment() -> None:
    message = parse()
    message.set("PID-5.1", "O'NEIL|&^~\\")
    edited = bytes(message).split(b"\r")

    assert edited[1] == b'PID|1||M1^^^HARBOR^MR~S2&x^^^SSA||O\'NEIL\\F\\\\T\\\\S\\\\R\\\\E\\^JANE|""||F'
    assert edited[:1] + edited[2:] == BODY.split(b"\r")[:1] + BODY.split(b"\r")[2:]
    assert Hl7Message.parse(bytes(message)).get("PID-5.1") == "O'NEIL|&^~\\"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("PID-5", b"DOE2"),
        ("PID-5.2", b"DOE^DOE2"),
        ("PID-5.4", b"DOE^JANE^^DOE2"),
        ("PID-5[2]", b"DOE^JANE~DOE2"),
        ("PID-5[3].2", b"DOE^JANE~~^DOE2"),
        ("PID-5.1.2", b"DOE&DOE2^JANE"),
        ("PID-5[2].2.2", b"DOE^JANE~^&DOE2"),
    ],
)
def test_missing_separators_are_added_before_a_written_element(place: str, expected: bytes) -> None:
    message = parse()
    if place.startswith("PID-5.2"):
        expected = b"DOE^DOE2"
    message.set(place, "DOE2")

    assert message.raw("PID-5") == expected
    assert message.get(place) == "DOE2"


def test_a_field_beyond_the_end_is_reached_with_empty_ones() -> None:
    message = parse()
    message.set("ZFT-5", "v")

    assert b"\rZFT|z1||||v\r" in bytes(message)


def test_null_and_empty_can_be_written() -> None:
    message = parse()
    message.set_null("PID-8")
    message.set("PID-3", None)

    assert message.state("PID-8") == "null"
    assert message.state("PID-3") == "empty"


def test_line_ends_written_into_a_value_cannot_break_the_segment() -> None:
    message = parse()
    message.set("ZFT-1", "one\ntwo\rthree\x0b\x1c")

    assert message.raw("ZFT-1") == b"one\\.br\\two\\X0D\\three\\X0B\\\\X1C\\"
    assert message.get("ZFT-1") == "one\ntwo\rthree\x0b\x1c"


def test_segments_are_added_and_deleted() -> None:
    message = parse()
    first = message.all("RQD")[0]
    added = message.insert_after(first, "ZIM", "a|b", None, "c")
    message.delete_segment(message.all("RQD")[1])
    message.append_segment("ZZZ").set(1, "end")
    added.set(2, "x")

    lines = bytes(message).split(b"\r")
    assert lines[4] == b"ZIM|a\\F\\b|x|c"
    assert [line[:3] for line in lines] == [b"MSH", b"PID", b"ORC", b"RQD", b"ZIM", b"NTE", b"ZFT", b"ZZZ", b""]
    assert first.place == "RQD"
    assert message.get("RQD[2]-1") is None


def test_the_header_and_foreign_segments_are_not_deleted() -> None:
    message, other = parse(), parse()

    with pytest.raises(StructureError):
        message.delete_segment(message.segments[0])
    with pytest.raises(StructureError):
        message.delete_segment(other.segments[1])


@pytest.mark.parametrize("place", ["MSH-1", "MSH-2", "MSH-18"])
def test_the_notation_of_the_message_is_not_edited(place: str) -> None:
    with pytest.raises(FieldError):
        parse().set(place, "x")


def test_writing_into_an_absent_segment_is_an_error() -> None:
    with pytest.raises(RequiredFieldError):
        parse().set("PV1-2", "I")


def test_a_copy_is_independent() -> None:
    message = parse()
    message.get("PID-5.1")
    twin = message.copy()
    twin.set("PID-5.1", "ROE")

    assert message.get("PID-5.1") == "DOE"
    assert bytes(message) == BODY
    assert Hl7Message.parse(bytes(twin)).get("PID-5.1") == "ROE"


# ------------------------------------------------------------------ notation
def test_custom_separators_are_read_and_written() -> None:
    body = b"MSH#*+!%#A#B\rPID#1##X*Y+Z%W#a!F!b!S!c\r"
    message = parse(body)
    message.set("PID-5.2", "1#2*3")

    assert message.get("PID-3.2") == "Y"
    assert message.get("PID-3[2].1.2") == "W"
    assert message.get("PID-4") == "a#b*c"
    assert message.raw("PID-5") == b"*1!F!2!S!3"


def test_the_truncation_character_of_2_7_is_escaped_too() -> None:
    message = parse(b"MSH|^~\\&#|A|B\rPID|1|x\\P\\y\r")
    message.set("PID-3", "a#b")

    assert message.get("PID-2") == "x#y"
    assert message.raw("PID-3") == b"a\\P\\b"


@pytest.mark.parametrize(
    ("header", "where"),
    [
        (b"", "MSH"),
        (b"PID|1", "MSH"),
        (b"MSH", "MSH-1"),
        (b"MSH|", "MSH-2"),
        (b"MSH||A", "MSH-2"),
        (b"MSH|^~^&|A", "MSH-2"),
        (b"MSH|^~\\&#!|A", "MSH-2"),
        (b"MSH|^~y&|A", "MSH-2"),
        (b"MSH|^~\xff&|A", "MSH-2"),
        (b"MSHA^~\\&AX", "MSH-1"),
    ],
)
def test_an_impossible_header_is_refused_with_its_place(header: bytes, where: str) -> None:
    with pytest.raises(StructureError) as caught:
        parse(header + b"\rPID|1\r" if header else header)
    assert caught.value.where == where


def test_a_short_list_of_encoding_characters_is_tolerated_with_a_finding() -> None:
    message = parse(b"MSH|^~|A\rPID|1|x\\y&z\r")

    assert message.get("PID-2") == "x\\y&z"
    assert [finding.code for finding in message.findings] == [FindingCode.ENCODING_CHARACTERS]
    with pytest.raises(DataTypeError):
        message.set("PID-3", "a|b")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (b"\n", FindingCode.LINE_FEED),
        (b"\r\n", FindingCode.CARRIAGE_RETURN_LINE_FEED),
    ],
)
def test_other_line_ends_are_tolerated_with_a_coded_finding(end: bytes, code: FindingCode) -> None:
    body = BODY.replace(b"\r", end)
    message = parse(body)
    message.set("ZFT-2", "n")
    message.append_segment("ZZZ", "1")

    assert [finding.code for finding in parse(body).findings] == [code]
    assert bytes(message) == body.replace(b"ZFT|z1|" + end, b"ZFT|z1|n" + end + b"ZZZ|1" + end)


def test_mixed_line_ends_and_blank_lines_survive_an_edit() -> None:
    body = b"MSH|^~\\&|A\r\nPID|1\rPV1|1\n\r\nZFT|1"
    message = parse(body)
    message.set("PV1-2", "I")

    assert bytes(message) == body.replace(b"PV1|1", b"PV1|1|I")
    codes = {finding.code for finding in message.findings}
    assert codes == {FindingCode.MIXED_LINE_ENDS, FindingCode.EMPTY_LINE}


def test_a_line_feed_inside_a_field_is_text_where_segments_end_with_cr() -> None:
    message = parse(b"MSH|^~\\&|A\rOBX|1|TX|||first\nsecond|F\r")

    assert message.get("OBX-5") == "first\nsecond"
    assert message.get("OBX-6") == "F"


def test_a_byte_order_mark_and_leading_blanks_are_kept() -> None:
    body = b"\xef\xbb\xbf\r\nMSH|^~\\&|A\rPID|1|M\xc3\xbcller\r"
    message = parse(body)

    assert message.get("PID-2") == "Müller"
    assert bytes(message) == body
    message.set("PID-1", "2")
    assert bytes(message) == body.replace(b"PID|1", b"PID|2")
    assert [finding.code for finding in message.findings] == [FindingCode.BYTE_ORDER_MARK]


# ------------------------------------------------------------------ character sets
def with_charset(name: str, text: bytes) -> bytes:
    return b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1||||||" + name.encode() + b"\rPID|1||" + text + b"^x\r"


@pytest.mark.parametrize(
    ("name", "codec", "text"),
    [
        ("UNICODE UTF-8", "utf-8", "Žluťoučký 手術"),
        ("8859/1", "latin-1", "Müller"),
        ("8859/2", "iso8859-2", "Žluť"),
        ("8859/15", "iso8859-15", "5 €"),
        ("KS X 1001", "euc_kr", "수술"),
        ("GB 18030-2000", "gb18030", "手术室龘"),
        ("BIG-5", "big5", "功許蓋"),
        ("~ISO IR87", "iso2022_jp_2", "手術室"),
        ("ISO IR87", "iso2022_jp_2", "患者"),
    ],
)
def test_declared_character_sets_are_read_and_written(name: str, codec: str, text: str) -> None:
    body = with_charset(name, text.encode(codec))
    message = parse(body)

    assert message.get("PID-3.1") == text
    assert message.get("PID-3.2") == "x"
    message.set("PID-2", text)
    assert bytes(message) == body.replace(b"PID|1||", b"PID|1|" + text.encode(codec) + b"|")


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("mark", [True, False])
def test_wide_character_sets_survive(codec: str, mark: bool) -> None:
    text = "\ufeff" * mark + "MSH|^~\\&|A\rPID|1|手術|x\r"
    message = parse(text.encode(codec))

    assert message.get("PID-2") == "手術"
    assert bytes(message) == text.encode(codec)
    message.set("PID-3", "ü")
    assert bytes(message) == text.replace("|x", "|ü").encode(codec)


def test_bytes_of_another_character_set_are_an_error_with_the_place_and_never_replaced() -> None:
    message = parse(with_charset("", "Müller".encode()))

    assert message.get("PID-1") == "1"
    with pytest.raises(CharsetError) as caught:
        message.get("PID-3.1")
    assert caught.value.where == "PID-3.1"
    with pytest.raises(CharsetError) as caught:
        message.all("PID")[0].get(3)
    assert caught.value.where == "PID-3"


def test_the_channels_character_set_overrules_the_message() -> None:
    assert parse(with_charset("", "Müller".encode()), charset="utf-8").get("PID-3") == "Müller"
    assert parse(with_charset("UNICODE UTF-8", b"M\xfcller"), charset="8859/1").get("PID-3") == "Müller"


@pytest.mark.parametrize("name", ["EBCDIC-X", "CNS 11643-1992", "base64", "idna"])
def test_an_unknown_character_set_is_refused_at_msh_18(name: str) -> None:
    with pytest.raises(CharsetError) as caught:
        parse(with_charset(name, b"x"))
    assert caught.value.where == "MSH-18"


def test_a_common_name_of_a_character_set_is_tolerated_with_a_finding() -> None:
    message = parse(with_charset("UTF-8", "ü".encode()))

    assert message.get("PID-3") == "ü"
    assert [finding.code for finding in message.findings] == [FindingCode.CHARSET_NAME]


def test_a_value_that_the_character_set_lacks_is_not_written() -> None:
    message = parse(with_charset("8859/1", b"x"))

    with pytest.raises(CharsetError) as caught:
        message.set("PID-3", "手")
    assert caught.value.where == "PID-3"


def test_the_header_by_name() -> None:
    message = parse()

    assert message.control_id == "C1"
    assert message.message_type == "OMS^O05"
    assert message.structure == "OMS_O05"
    assert message.version == "2.5.1"
    assert message.processing_id == "P"
    assert (message.sending_application, message.sending_facility) == ("OR", "HARBOR")
    assert (message.receiving_application, message.receiving_facility) == ("ISTHMUS", "HARBOR")
    assert (message.accept_ack, message.application_ack) == ("AL", "NE")


def test_a_header_line_without_a_separator_is_written_as_it_came() -> None:
    message = Hl7Message.parse(b"MSH!:\rMSH")
    assert [segment.name for segment in message.segments] == ["MSH", "MSH"]
    assert message.get("MSH[2]-3") is None

    assert message.encode() == b"MSH!:\rMSH"
