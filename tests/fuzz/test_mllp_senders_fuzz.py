"""Mutated messages through the door: the short way, for senders already met, says what the long way says."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from engine.connectors.hl7v2_mllp.answers import Answer
from engine.connectors.hl7v2_mllp.intake import Intake, is_plain
from engine.ports.connector import Reason, Receipt, Verdict

RECEIPT = Receipt(Verdict.ACCEPTED, 123_456_789_012, datetime(2026, 11, 21, 7, 5, tzinfo=UTC))
REFUSED = Receipt(Verdict.REFUSED, 123_456_789_013, RECEIPT.received_at, Reason("M004", "the bytes are not ascii"))
SEEDS = (
    b"MSH|^~\\&|LAB|HARBOR|I|HARBOR|20260101120000||ADT^A01^ADT_A01|C1|P|2.5.1|7||AL|NE||UNICODE UTF-8\rPID|1||77\r",
    b"MSH|^~\\&|LAB|HARBOR|||20260101||ORU^R01|C2|P|2.3\rOBX|1|NM|x||5\r",
    b"MSH|^~\\&|A|B|C|D|20260101||OMS^O05|C3|T|2.6||||||8859/1\rNTE|1||caf\xe9\r",
)
PIECES = (
    *(b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b"MSH", b"MSA|AA|1", b"ACK", b"\xff", b"", b"C1"),
    *(b"UNICODE UTF-16", b"AL", b"ER"),
)


def mutated(dice: random.Random) -> bytes:
    body = bytearray(dice.choice(SEEDS))
    for _ in range(dice.randint(1, 4)):
        # Mostly in the header, where the two ways differ.
        start = dice.randrange(min(len(body), 110) if dice.random() < 0.8 and body else len(body) + 1)
        body[start : start + dice.randint(0, 3)] = dice.choice(PIECES)
    return bytes(body)


def agree(count: int, seed: int) -> int:
    """How many of them went the short way."""
    dice, door, short_ways = random.Random(seed), Intake("lab", None, False), 0
    for _ in range(count):
        body = mutated(dice)
        if not is_plain(body):
            continue
        long = door._take_slowly(body, {}, plain=True)
        for _ in range(2):  # the second time its sender is known, if it is of the usual kind
            taken = door.take(body, {}, plain=True)
            assert taken.received == long.received, body
            assert taken.is_acknowledgement == long.is_acknowledgement, body
        if long.header is not None:  # whatever is wrong with it, its sender can be answered
            assert isinstance(Answer(long.header, False).to_receipt(REFUSED)[0], bytes)
        if taken.sender is None or long.header is None:
            continue
        short_ways += 1
        told = Answer(long.header, False).to_receipt(RECEIPT)[0]
        assert taken.sender.acknowledge(taken.control_id, RECEIPT) == told, body
    return short_ways


def test_the_short_way_agrees_with_the_long_one() -> None:
    assert agree(6_000, seed=20261121) > 600


@pytest.mark.slow
def test_the_short_way_agrees_with_the_long_one_a_million_times() -> None:
    assert agree(1_000_000, seed=20261122) > 10_000
