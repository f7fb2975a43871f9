"""The header alone, and the proof of the character set."""

from __future__ import annotations

import pytest

from engine.core.errors import CharsetError, StructureError
from engine.protocols.hl7v2.header import check_charset, peek

LINE = b"MSH|^~\\&|OR^1|HARBOR|ERP|X|20260301||OMS^O05^OMS_O05|C\\T\\1|P|2.5.1|||AL|NE||"


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b""])
def test_the_header_is_read_whatever_follows(end: bytes) -> None:
    header = peek(LINE + end + (b"PID|1\xff" + end if end else b""))

    assert header.control_id == "C&1"
    assert header.message_type == "OMS^O05"
    assert header.version == "2.5.1"
    assert (header.accept_ack, header.application_ack) == ("AL", "NE")
    assert header.sending_application == "OR"
    assert header.get("PID-1") is None


def test_the_same_type_under_other_separators_is_not_mixed_up() -> None:
    assert peek(LINE).message_type == "OMS^O05"
    assert peek(LINE.replace(b"|", b"#").replace(b"^", b"*")).message_type == "OMS^O05"
    assert peek(b"MSH|*~\\&|A||||||OMS^O05^OMS_O05|1").message_type == "OMS^O05^OMS_O05"


def test_missing_fields_are_none_or_empty() -> None:
    header = peek(b"MSH|^~\\&|A\r")

    assert (header.control_id, header.accept_ack, header.application_ack) == (None, None, None)
    assert header.message_type == ""


@pytest.mark.parametrize("body", [b"", b"PID|1\r", b"MS", b"\x00", b"MSH"])
def test_what_is_no_header_is_refused(body: bytes) -> None:
    with pytest.raises(StructureError):
        peek(body)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (LINE + b"\rPID|1||\xc3\xbc\r", "PID[1]-3"),
        (LINE + b"\rPID|1\r\nPID|2|x|y|\xff\r", "PID[2]-4"),
        (LINE.replace(b"HARBOR", b"H\xe4fen") + b"\r", "MSH[1]-4"),
        (LINE + b"UNICODE UTF-8\rNTE|1|\xff", "NTE[1]-2"),
    ],
)
def test_the_first_byte_of_another_character_set_is_named_by_its_field(body: bytes, where: str) -> None:
    with pytest.raises(CharsetError) as caught:
        check_charset(body, peek(body))

    assert caught.value.where == where


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (LINE + b"\rPID|1||x\r", None),
        (LINE + b"UNICODE UTF-8\rPID|1||\xc3\xbc\r", None),
        (LINE + b"8859/1\rPID|1||\xfc\r", None),
        (LINE + b"\rPID|1||\xc3\xbc\r", "utf-8"),
        (LINE + "~ISO IR87\rPID|1||患者\r".encode("iso2022_jp"), None),
        ((LINE + b"\rPID|1||").decode().encode("utf-16"), None),
    ],
)
def test_bytes_of_the_declared_character_set_pass(body: bytes, charset: str | None) -> None:
    check_charset(body, peek(body, charset))
