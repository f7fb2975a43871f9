"""The short way through the door: the same verdicts and the same bytes as the long one, or not taken."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.connectors.hl7v2_mllp import senders
from engine.connectors.hl7v2_mllp.answers import Answer
from engine.connectors.hl7v2_mllp.intake import Intake, is_plain
from engine.ports.connector import Receipt, Verdict
from engine.protocols.hl7v2.header import peek

MSH = (
    "MSH|^~\\&|{app}|HARBOR|ISTHMUS|HARBOR|2026010112{minute:02}00||{kind}|{id}|P|2.5.1"
    "|{sequence}||{accept}|{done}||{charset}"
)
RECEIPT = Receipt(Verdict.ACCEPTED, 123_456_789_012, datetime(2026, 11, 21, 7, 5, tzinfo=UTC))


def message(number: int, **fields: str) -> bytes:
    values = {"app": "LAB", "kind": "ADT^A01", "accept": "", "done": "", "charset": "", "sequence": str(number)}
    header = MSH.format(**values | {"id": f"C{number}"} | fields, minute=number % 60)
    return header.encode() + b"\rPID|1||77\r"


def intake(strict: bool = False) -> Intake:
    return Intake("lab", None, strict)


CONDITIONS = ("", "AL", "NE", "ER", "SU")


@pytest.mark.parametrize("accept", CONDITIONS)
@pytest.mark.parametrize("done", CONDITIONS)
@pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.DUPLICATE])
def test_acknowledgements_are_byte_for_byte_those_of_the_long_way(accept: str, done: str, verdict: Verdict) -> None:
    door, receipt = intake(), Receipt(verdict, RECEIPT.message_id, RECEIPT.received_at)
    door.take(message(1, accept=accept, done=done), {}, plain=True)
    body = message(2, accept=accept, done=done)

    taken = door.take(body, {}, plain=True)

    assert taken.sender is not None
    assert taken.sender.acknowledge(taken.control_id, receipt) == Answer(peek(body), False).to_receipt(receipt)[0]


def test_id_type_and_scope_are_those_of_the_message_itself() -> None:
    door = intake()
    door.take(message(1), {}, plain=True)

    short, long = door.take(message(2), {}, plain=True), door.take(message(2), {})

    assert short.sender is not None
    assert long.sender is None
    assert short.received == long.received


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "with space"},
        {"id": ""},
        {"id": "A^B"},
        {"kind": "ACK^A01"},
        {"kind": "MCF"},
        {"charset": "ISO IR87"},
        {"charset": "NO SUCH SET"},
    ],
)
def test_what_is_unusual_goes_the_long_way(fields: dict[str, str]) -> None:
    door = intake()
    door.take(message(1, **fields), {}, plain=True)

    assert door.take(message(2, **fields), {}, plain=True).sender is None


@pytest.mark.parametrize("body", [b"MSH|^~\\&|A", b"MSH|^~\\&|A|B|C|D|E||ADT^A01|1|P|2.5", b"PID|1\r", b"", b"MSH\r"])
def test_short_and_broken_headers_go_the_long_way(body: bytes) -> None:
    assert senders.Senders(None, lambda header: "").of(body) is None


def test_other_separators_go_the_long_way() -> None:
    body = message(1).replace(b"^~\\&", b"@~\\&")

    assert intake().take(body, {}, plain=True).sender is None


def test_a_byte_outside_the_character_set_is_refused_on_the_short_way_too() -> None:
    door = intake()
    door.take(message(1), {}, plain=True)
    body = message(2).replace(b"77", b"7\xff")
    assert is_plain(body)

    refusal = door.take(body, {}, plain=True).received.refusal

    assert refusal is not None
    assert (refusal.code, refusal.where) == ("M004", "PID[1]-3")


def test_a_strict_door_refuses_deviations_of_a_known_sender() -> None:
    door = intake(strict=True)
    door.take(message(1), {}, plain=True)

    refusal = door.take(message(2) + b"\rPV1|1\r", {}, plain=True).received.refusal

    assert refusal is not None
    assert refusal.code == "M005"


def test_many_kinds_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "_KNOWN_LIMIT", 3)
    door = intake()
    known = [door.take(message(1, app=f"LAB{n}"), {}, plain=True).sender is not None for n in range(6)]

    assert known == [True, True, True, False, False, False]
    assert door.take(message(2, app="LAB5"), {}, plain=True).received.natural_id == "C2"
    assert door.take(message(2, app="LAB1"), {}, plain=True).sender is not None
