"""No bytes crash the AS2 core, nothing altered passes for signed, and what is packed is opened. Long form slow."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import IsthmusError, MessageError
from engine.protocols.as2 import envelope, mdn
from engine.protocols.as2.algorithms import CIPHERS, DIGESTS
from engine.protocols.as2.message import Opening, Packed, Packing, mic, pack, unpack
from engine.protocols.as2.mime import boundary_for, joined, split
from tests.support.as2 import NOW, partner

PAYLOAD = b"ISA*00*~ST*850~\r\n--" + bytes(range(256))
OPENING = Opening((partner("us"),), (partner("them").certificate,), tuple(DIGESTS), tuple(CIPHERS), 100_000)
TOKENS = (
    b"\r\n", b"\n", b"--", b"; ", b'"', b"=", b"\0", b"\xff", b"\x30\x80", b"\x04\x84\xff\xff\xff\xff", b"base64",
    b"Content-Type: multipart/signed; boundary=x\r\n\r\n", b"smime-type=compressed-data", b"multipart/report",
)  # fmt: skip


def made(way: int) -> Packed:
    """Each of the eight ways to wrap."""
    packing = Packing(
        signer=partner("them") if way & 1 else None,
        recipient=partner("us").certificate if way & 2 else None,
        compressed=bool(way & 4),
    )
    return pack(PAYLOAD, "application/edi-x12", "a.edi", packing, NOW, bytes(range(48)))


MADE = [made(way) for way in range(8)]
RECEIPT = mdn.write(
    mdn.Receipt("<1@us>", "THEM", mdn.Disposition(), ("AAAA", "sha-256"), "words"),
    "isthmus",
    (partner("them"), "sha-256", datetime(2026, 3, 1, tzinfo=UTC)),
)


def lower(headers: object) -> dict[str, str]:
    return {name.lower(): value for name, value in dict(headers).items()}  # type: ignore[call-overload]


def altered(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(changed) + 1)
        match dice.randrange(4):
            case 0:
                changed[place : place + dice.randint(1, 40)] = b""
            case 1:
                changed[place:place] = dice.choice(TOKENS)
            case 2:
                changed[place : place + 1] = bytes([dice.randrange(256)])
            case _:
                start = dice.randrange(len(changed) + 1)
                changed[place:place] = changed[start : start + dice.randint(1, 200)]
    return bytes(changed)


def survives(number: int) -> bool:
    """Only our own errors, with words; what opens as signed is what was signed."""
    dice = random.Random(number)
    original = MADE[number % 8]
    headers, body = lower(original.headers), altered(original.body, dice)
    if dice.random() < 0.3:
        headers["content-type"] = altered(headers["content-type"].encode(), dice).decode("latin-1")
    try:
        opened = unpack(headers, body, OPENING)
    except MessageError as error:
        return error.code != IsthmusError.code and bool(error.what)
    return not opened.signed or mic("sha-256", opened.covered) == original.mic


def receipt_survives(number: int) -> None:
    dice = random.Random(number)
    body = altered(RECEIPT.body, dice)
    headers = dict(RECEIPT.headers)
    mdn.is_receipt(headers, body)
    mdn.peek(headers, body)
    try:
        found = mdn.read(headers, body, OPENING.theirs, tuple(DIGESTS))
    except MessageError:
        return
    if found.signed:
        assert found.receipt.disposition.is_good
        assert found.receipt.mic == ("AAAA", "sha-256")


def test_altered_messages_are_refused_in_words_or_are_what_was_signed() -> None:
    assert [number for number in range(600) if not survives(number)] == []


def test_altered_receipts_say_nothing_else_than_was_signed() -> None:
    for number in range(400):
        receipt_survives(number)


@pytest.mark.slow
def test_altered_messages_and_receipts_long() -> None:
    for number in range(1000, 15_000):
        assert survives(number), number
        receipt_survives(number)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(envelope.asking("a", "b", signed=True, url="c"))), st.text(max_size=80)))
def test_headers_of_any_text_make_an_envelope_or_none(headers: dict[str, str]) -> None:
    given_headers = {name.lower(): value for name, value in headers.items()}

    found = envelope.read(given_headers | {"as2-from": "A", "as2-to": "B", "message-id": "<1>"})

    assert found is not None
    assert (found.receipt is None) is (not given_headers.get("disposition-notification-to", "").strip())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5))
def test_parts_come_back_byte_by_byte(parts: list[bytes]) -> None:
    assert split(joined(parts, boundary_for(parts)), boundary_for(parts)) == parts


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=128))
def test_names_come_back_as_they_were_written(name: str) -> None:
    if not envelope.is_name(name):
        return
    written = {key.lower(): value for key, value in envelope.written(name, "B", "<1>").items()}

    found = envelope.read(written)

    assert found is not None
    assert found.sender == name
