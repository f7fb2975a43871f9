"""Reading: every separator style, nothing lost, each deviation a finding."""

from __future__ import annotations

import pytest

from engine.core.errors import FramingError
from engine.protocols.x12 import encode, read, read_file
from tests.support import x12_samples as samples


def text_of(data: bytes) -> list[str]:
    return ["*".join(s.parts) for i in read(data).interchanges for s in i.segments if s.id]


STYLES = {
    "tilde": ("*", "~", ">"),
    "tilde_then_carriage_return_and_line_feed": ("*", "~\r\n", ">"),
    "tilde_then_line_feed": ("*", "~\n", ">"),
    "line_feed_alone": ("*", "\n", ">"),
    "carriage_return_and_line_feed_alone": ("*", "\r\n", ">"),
    "bars": ("|", "\n", "}"),
    "control_characters": ("\x1d", "\x1c", "\x1f"),
    "caret_elements": ("^", "~", ">"),
    "not_ascii_terminator": ("*", "¦", ">"),
    "indented": ("*", "~\n\t  ", ">"),
}


@pytest.mark.parametrize("style", STYLES)
def test_each_separator_style_reads_alike_and_encodes_to_the_same_bytes(style: str) -> None:
    element, end, component = STYLES[style]
    lines = [s.replace("*", element).replace(">", component) for s in samples.segments()]
    data = "".join(line + end for line in lines).encode()

    file = read(data)

    assert encode(file) == data
    assert file.findings == ()
    assert [s.parts for s in file.interchanges[0].segments] == [line.split(element) for line in lines]


def test_byte_order_mark_and_leading_white_space_are_kept_and_do_no_harm() -> None:
    data = b"\xef\xbb\xbf\r\n  " + samples.interchange()

    file = read(data)

    assert file.accepted
    assert encode(file) == data


def test_line_end_only_after_isa_is_no_fault() -> None:
    lines = samples.segments()
    data = (lines[0] + "~\n" + "".join(line + "~" for line in lines[1:])).encode()

    file = read(data)

    assert file.findings == ()
    assert encode(file) == data


def test_line_feed_inside_an_element_belongs_to_it() -> None:
    data = samples.interchange((*samples.ORDER[:-2], "PID*F****GAUZE\n4X4", "CTT*1"))

    one = read(data).interchanges[0].groups[0].sets[0]

    assert one.get("PID05") == "GAUZE\n4X4"


def test_last_segment_without_terminator_is_read_and_noted() -> None:
    data = samples.interchange()[:-1] + b"\n"

    file = read(data)

    assert [f.code for f in file.findings] == ["X905"]
    assert file.interchanges[0].trailer is not None
    assert file.interchanges[0].trailer.get(2) == "000000501"
    assert encode(file) == data


def test_empty_segments_are_noted_kept_and_not_counted() -> None:
    data = samples.interchange().replace(b"~GE*", b"~~GE*")

    file = read(data)

    assert [(f.code, f.position) for f in file.findings] == [("X901", 12)]
    assert encode(file) == data


def test_segment_ids_in_lower_case_are_noted_and_understood() -> None:
    data = samples.interchange().replace(b"~PO1*", b"~po1*")

    file = read(data)

    assert [(f.code, f.where) for f in file.findings] == [("X902", "segment")]
    assert len(file.interchanges[0].groups[0].sets[0].all("PO1")) == 1
    assert encode(file) == data


def test_interchanges_of_one_file_may_have_different_separators() -> None:
    second = samples.interchange().replace(b"*", b"|").replace(b"~", b"'").replace(b"000000501", b"000000502")
    data = samples.interchange() + b"\n" + second

    file = read(data)

    assert [i.separators.element for i in file.interchanges] == ["*", "|"]
    assert [i.control_number for i in file.interchanges] == ["000000501", "000000502"]
    assert file.accepted
    assert encode(file) == data


def test_interchange_without_iea_ends_where_the_next_begins() -> None:
    data = samples.interchange().replace(b"IEA*1*000000501~", b"") + samples.interchange()

    file = read(data)

    assert [len(i.groups) for i in file.interchanges] == [1, 1]
    assert [f.x12_code for f in file.findings] == ["TA105:023"]
    assert encode(file) == data


def test_text_between_interchanges_is_kept_and_noted() -> None:
    data = samples.interchange() + b"hello\n" + samples.interchange() + b"end"

    file = read(data)

    assert [f.code for f in file.findings] == ["X903", "X903"]
    assert encode(file) == data


def test_isa_that_is_not_padded_is_read_with_a_fault_for_each_short_element() -> None:
    data = samples.interchange().replace(b"LAKESIDE       *ZZ*HARBORHEALTH   *", b"LAKESIDE*ZZ*HARBORHEALTH*")

    file = read_file(data)

    assert [f.where for f in file.findings] == ["ISA06", "ISA08"]
    assert file.accepted
    assert not read(data).accepted
    assert file.interchanges[0].groups[0].sets[0].get("BEG03") == "PO-4711"


def test_isa16_that_was_left_out_does_not_swallow_the_terminator() -> None:
    data = samples.interchange(end="~\n").replace(b"*P*>~\n", b"*P*~\n")

    file = read_file(data)

    assert [(f.where, f.x12_code) for f in file.findings] == [("ISA16", "TA105:027")]
    assert file.interchanges[0].separators.segment == "~"
    assert encode(file) == data


@pytest.mark.parametrize("char", ["^", "|", "}"])
def test_isa11_is_the_repetition_separator_from_00402_on(char: str) -> None:
    data = samples.interchange().replace(b"*U*00401*", f"*{char}*00501*".encode())

    file = read(data)

    assert file.interchanges[0].separators.repetition == char
    assert file.findings == ()


def test_isa11_u_is_no_separator() -> None:
    assert read(samples.interchange()).interchanges[0].separators.repetition == ""


def test_repetition_separator_before_00402_is_noted() -> None:
    data = samples.interchange().replace(b"*U*00401*", b"*^*00401*")

    assert [f.code for f in read(data).findings] == ["X909"]


def test_bytes_that_are_not_utf_8_are_read_as_latin_1_and_come_back() -> None:
    data = samples.interchange().replace(b"GAUZE", b"GAZ\xc9")

    file = read(data)

    assert file.charset == "latin-1"
    assert file.interchanges[0].groups[0].sets[0].get("PID05") == "GAZÉ 4X4"
    assert encode(file) == data


@pytest.mark.parametrize(
    ("data", "where", "note"),
    [
        (b"", "ISA", "no ISA"),
        (b"MSH|^~\\&|A|B\r", "ISA", "no ISA"),
        (b"ISA", "ISA", "026"),
        (b"ISA 00*          *00", "ISA", "026"),
        (b"ISA*00*  *00*", "ISA", "022"),
        (samples.ISA.encode() + b"GS*PO*LAKESIDE", "ISA16", "004"),
        (samples.ISA.encode()[:-1], "ISA16", "027"),
    ],
)
def test_bytes_without_readable_separators_are_refused_at_the_place(data: bytes, where: str, note: str) -> None:
    with pytest.raises(FramingError) as caught:
        read(data)

    assert caught.value.where == where
    assert note in caught.value.what


def test_no_value_of_the_message_is_in_a_finding() -> None:
    data = samples.interchange().replace(b"*20261120*0815*501*", b"*SECRETDATE*0815*501*").replace(b"SE*9*", b"SE*x*")

    assert "SECRET" not in " ".join(str(f) for f in read(data).findings)
