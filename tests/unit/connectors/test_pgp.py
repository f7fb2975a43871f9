"""What is encrypted is told by its first packets; a file that is not is refused where encryption is agreed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pysequoia import Tsk, encrypt, sign

from engine.connectors.pgp import PgpOpener, PgpOpening, is_encrypted
from engine.core.errors import FramingError, MessageError
from tests.support.connector_doubles import Secrets, context

KEY = Tsk.generate("Harbor <ap@harbor.example>")
MARKER = b"\xca\x03PGP"
LITERAL = b"\xcb\x0bb\x00\x00\x00\x00\x00hello"
SESSION_KEY = b"\xc1\x0c\x03" + bytes(11)  # packet 1, of no key of ours


def sealed(armor: bool) -> bytes:
    return encrypt(b"hello", recipients=[KEY.extract_certificate()], armor=armor)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (sealed(False), True),
        (sealed(True), True),
        (b"Dear sir,\r\n\r\n" + sealed(True).replace(b"\n", b"\r\n"), True),
        (sealed(True).replace(b"-----\n\n", b"-----\nVersion: 2\nComment: none\n\n", 1), True),
        (MARKER + sealed(False), True),
        (sign(KEY.signer(), b"hello"), False),
        (LITERAL, False),
        (MARKER + LITERAL, False),
        (MARKER, False),
        (b"\x85", True),
        (b"\xca", False),
        (b"", False),
        (b"item,price\r\nM1,1.50\r\n", False),
        (b"-----BEGIN PGP MESSAGE-----\n\n", False),
    ],
)
def test_the_first_packet_that_says_something_tells_whether_it_is_encrypted(content: bytes, expected: bool) -> None:
    assert is_encrypted(content) is expected


def opener(folder: Path, **changed: str) -> PgpOpener:
    settings = PgpOpening.model_validate({"key": "env:K"} | changed)
    return PgpOpener(settings, context(folder, secrets=Secrets({"env:K": str(KEY)})))


def test_what_is_not_encrypted_is_refused_unless_the_channel_takes_it(tmp_path: Path) -> None:
    signed = sign(KEY.signer(), b"hello")
    with pytest.raises(FramingError, match="not encrypted") as caught:
        opener(tmp_path).open(signed, 1000)

    assert "encrypted: optional" in (caught.value.remedy or "")
    assert opener(tmp_path, encrypted="optional").open(signed, 1000) == b"hello"
    assert opener(tmp_path).open(sealed(True), 1000) == b"hello"


def test_a_packet_that_promises_encryption_before_clear_text_gains_nothing(tmp_path: Path) -> None:
    assert is_encrypted(SESSION_KEY + LITERAL)
    with pytest.raises(MessageError):
        opener(tmp_path).open(SESSION_KEY + LITERAL, 1000)
