"""Escape sequences, read and written."""

from __future__ import annotations

import pytest

from engine.core.errors import CharsetError
from engine.protocols.hl7v2.charsets import ASCII, named_charset
from engine.protocols.hl7v2.delimiters import STANDARD
from engine.protocols.hl7v2.escapes import escape, unescape


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"\F\\S\\T\\R\\E\ ", "|^&~\\ "),
        (r"a\.br\b", "a\nb"),
        (r"a\.sp\b\.sp3\c\.sp+2\d", "a\nb\n\n\nc\n\nd"),
        (r"a\.sk 3\b", "a   b"),
        (r"\.in+4\a\.ti-2\b\.fi\c\.nf\d\.ce\e", "abcd\ne"),
        (r"\H\loud\N\ quiet", "loud quiet"),
        (r"\X41\\X0D0A\\X4a4B\ ", "A\r\nJK "),
        (r"\Zlocal\ stays", r"\Zlocal\ stays"),
        (r"C:\temp\new", r"C:\temp\new"),
        (r"lone \ character", r"lone \ character"),
        (r"ends with \ ", "ends with \\ "),
        (r"\X4\ \XZZ\ odd", r"\X4\ \XZZ\ odd"),
        (r"\\", r"\\"),
        (r"path\x\F\y", r"path\x|y"),
        ("plain", "plain"),
    ],
)
def test_sequences_are_decoded_and_unknown_ones_stay(written: str, read: str) -> None:
    assert unescape(written, STANDARD, ASCII.decode) == read


def test_hexadecimal_data_is_read_in_the_messages_character_set() -> None:
    assert unescape(r"\XC3BC\ ", STANDARD, named_charset("UNICODE UTF-8").decode) == "ü "
    with pytest.raises(CharsetError):
        unescape(r"\XC3BC\ ", STANDARD, ASCII.decode)


def test_switched_character_sets_are_decoded() -> None:
    assert unescape("\\M2442\\" + "<j=Q" + "\\C2842\\ done", STANDARD, ASCII.decode) == "手術 done"
    assert unescape("\\C2D42\\" + "\xae" + "\\C2842\\ x", STANDARD, ASCII.decode) == "Ž x"
    with pytest.raises(CharsetError):
        unescape("\\C9999\\ab\\C2842\\", STANDARD, ASCII.decode)


@pytest.mark.parametrize(
    "text", ["", "plain", "a|b^c&d~e\\f", "line\nline", "tab\tand\r\n", "\x0b\x1c\x00", "\\.br\\", "\\F\\"]
)
def test_what_is_written_reads_back(text: str) -> None:
    written = escape(text, STANDARD, "PID-5")

    assert unescape(written, STANDARD, ASCII.decode) == text
    assert not set(written) & set("|^&~\r\n\x0b\x1c")
