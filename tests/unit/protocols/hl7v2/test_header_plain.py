"""The short way to MSH-10 says what the long way says, or nothing."""

from __future__ import annotations

import pytest

from engine.protocols.hl7v2.header import peek, plain_control_id

_PLAIN = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|MSG00001|P|2.5.1||||||UNICODE UTF-8\rPID|1\r"


def test_plain_control_id_is_the_control_id() -> None:
    assert plain_control_id(_PLAIN) == peek(_PLAIN).control_id == "MSG00001"


@pytest.mark.parametrize(
    "body",
    [
        _PLAIN.replace(b"^~\\&", b"^~\\&#"),
        _PLAIN.replace(b"|", b"!"),
        _PLAIN.replace(b"UNICODE UTF-8", b"GB 18030-2000"),
        _PLAIN.replace(b"UNICODE UTF-8", b"KLINGON"),
        _PLAIN.replace(b"MSG00001", b"MSG\\F\\1"),
        _PLAIN.replace(b"MSG00001", b""),
        _PLAIN.replace(b"\r", b"\n"),
        b"\xef\xbb\xbf" + _PLAIN,
        _PLAIN.decode().encode("utf-16"),
        b"MSH|^~\\&|A|B",
        b"",
    ],
)
def test_whatever_is_written_otherwise_is_left_to_the_long_way(body: bytes) -> None:
    assert plain_control_id(body) is None


def test_a_header_without_line_end_is_read() -> None:
    assert plain_control_id(_PLAIN.partition(b"\r")[0]) == "MSG00001"
