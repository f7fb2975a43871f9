"""No bytes crash the HL7 v2 cores, any split gives the same frames, and nothing is lost between read and write."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import IsthmusError, SizeLimitError
from engine.protocols.hl7v2 import Hl7Message, read_file
from engine.protocols.hl7v2.acknowledge import AckError, build, read
from engine.protocols.hl7v2.delimiters import Delimiters
from engine.protocols.hl7v2.escapes import escape, unescape
from engine.protocols.hl7v2.framing import MllpFramer, frame
from engine.protocols.hl7v2.header import check_charset, peek
from tests.support.mllp import MOMENT, adt

SLOWEST = 1.0  # seconds for one input: acceptance check 22
LONG_FORM = 1_000_000
SAMPLE = (
    b"MSH|^~\\&|OR^1^ISO|HARBOR|ISTHMUS|X|20260301101500-0500||OMS^O05^OMS_O05|C1|P|2.5.1|||AL|NE||UNICODE UTF-8\r"
    b"PID|1||M1^^^H^MR~S2&x^^^SSA||DOE^JANE^\\F\\||19670824|F\rORC|NW|RQ101^OR\r"
    b'RQD|1||||5.50|BX^Box|CC4100|""||20260305\rNTE|1||a\\.br\\b\\X41\\\\M2442\\<j\\C2842\\\rZFT|1|\xc3\xbc|\r'
)
SPECIAL = b"\r\n\x0b\x1c|^~\\&#\x00\xff\xfe\xef\xbb\xbfMSHFB[]X.C\x1b"
bodies = st.binary(max_size=200).filter(lambda body: b"\x0b" not in body and b"\x1c" not in body)
texts = st.text(st.characters(codec="utf-8"), max_size=40)


@given(st.lists(bodies, max_size=6), st.data())
def test_any_split_gives_the_same_frames(messages: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frame(body) for body in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    framer, found = MllpFramer(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += framer.feed(stream[start:end])

    assert found == messages
    assert framer.idle
    assert framer.discarded == 0


@given(st.lists(st.binary(max_size=60), max_size=20), st.integers(1, 100))
def test_no_stream_crashes_the_framer_or_makes_it_hold_more_than_its_limit(chunks: list[bytes], limit: int) -> None:
    framer = MllpFramer(max_bytes=limit)
    for chunk in chunks:
        try:
            found = framer.feed(chunk)
        except SizeLimitError:
            return
        assert all(len(body) <= limit for body in found)
        assert framer.pending <= limit


@given(st.binary(max_size=300) | st.builds(lambda tail: b"MSH|^~\\&|" + tail, st.binary(max_size=300)))
@settings(max_examples=400)
def test_no_bytes_crash_the_reader_and_what_is_read_is_written_unchanged(body: bytes) -> None:
    exercise(body)


@given(texts, st.sampled_from(["PID-5", "PID-5.1", "PID-5[2].3.2", "ZFT-9", "RQD-6.2", "MSH-5"]))
def test_what_is_set_is_read_and_the_rest_is_unchanged(text: str, place: str) -> None:
    message = Hl7Message.parse(SAMPLE)
    message.set(place, text)
    again = Hl7Message.parse(bytes(message))

    assert (again.get(place) or "") == text
    changed = place[:3].encode()
    before, after = SAMPLE.split(b"\r"), bytes(message).split(b"\r")
    assert [row for row in after if row[:3] != changed] == [row for row in before if row[:3] != changed]


@given(texts, st.permutations(list("|^~\\&#!$*%+@")))
def test_escaping_reads_back_under_any_separators(text: str, marks: list[str]) -> None:
    delimiters = Delimiters(*(mark.encode() for mark in marks[:6]))
    written = escape(text, delimiters, "X-1")

    assert unescape(written, delimiters, lambda data: data.decode()) == text
    assert not set(written.replace(marks[3], "")) & set(marks[:6])


@given(texts, st.sampled_from(["AA", "AE", "CR"]), st.text("ABCXYZ019-.", min_size=1, max_size=20))
def test_our_acknowledgements_always_read_back(text: str, code: str, control_id: str) -> None:
    header = peek(adt(control_id))
    known = read(build(header, code, "K1", MOMENT, text, (AckError("207", text, "PID-3"),)))  # type: ignore[arg-type]

    assert (known.code, known.control_id) == (code, control_id)
    assert known.errors[0].where == "PID[1]-3"


@pytest.mark.parametrize(
    "body",
    [
        b"MSH|^~\\&|" + b"\n" * 200_000,
        b"MSH|^~\\&|A\r" + b"\n\r" * 200_000,
        b"MSH|^~\\&|A\rNTE|1||" + b"\\" * 200_000,
        b"MSH|^~\\&|A\rNTE|1||" + b"\\X" * 100_000 + b"\\",
        b"MSH|^~\\&|A\rNTE|1||" + b"^" * 200_000,
        b"MSH|^~\\&|A\rNTE|1||" + b"~" * 20_000,
        b"MSH|^~\\&|A\r" + b"MSH" * 100_000,
        b"MSH|^~\\&|A\r" + b"OBX|1\r" * 50_000,
        b"\x0bMSH" * 50_000,
    ],
    ids=["newlines", "ends", "escapes", "hex", "components", "repetitions", "names", "segments", "starts"],
)
def test_hostile_shapes_are_read_in_time_linear_in_their_size(body: bytes) -> None:
    started = time.perf_counter()
    exercise(body)
    exercise(body[: len(body) // 2])

    assert time.perf_counter() - started < 10 * SLOWEST  # quadratic reading would take minutes


def exercise(body: bytes) -> None:
    """Everything the engine does with received bytes; only coded errors may come out."""
    try:
        header = peek(body)
        _ = (header.control_id, header.message_type, header.is_acknowledgement, header.accept_ack)
        check_charset(body, header)
    except IsthmusError:
        pass  # refused with a code: that is an answer
    try:
        assert read_file(body).encode() == body
    except IsthmusError:
        pass  # the same
    try:
        message = Hl7Message.parse(body)
    except IsthmusError:
        return
    assert bytes(message) == body
    _ = message.findings
    for segment in message.segments[:20]:
        for number in range(1, min(segment.field_count(), 12) + 1):
            try:
                segment.get(number)
                segment.get((number, 2))
                segment.repetitions(number)
            except IsthmusError:
                pass
    twin = message.copy()
    twin._edited = True
    assert bytes(twin) == body


def mutated(chance: random.Random) -> bytes:
    body = bytearray(SAMPLE)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(body))
        kind = chance.randrange(4)
        if kind == 0:
            body[at] = chance.choice(SPECIAL)
        elif kind == 1:
            del body[at : at + chance.randint(1, 20)]
        elif kind == 2:
            body[at:at] = bytes(chance.choice(SPECIAL) for _ in range(chance.randint(1, 8)))
        else:
            start = chance.randrange(len(body))
            body[at:at] = body[start : start + chance.randint(1, 40)]
    return bytes(body)


def run_mutated(count: int, seed: int) -> float:
    """The slowest input in seconds; raises what a mutated frame raises."""
    chance, framer, slowest = random.Random(seed), MllpFramer(max_bytes=4096), 0.0
    for _ in range(count):
        stream = frame(mutated(chance)) if chance.random() < 0.9 else mutated(chance)
        started = time.perf_counter()
        try:
            found = framer.feed(stream)
        except IsthmusError:
            framer = MllpFramer(max_bytes=4096)
            continue
        for body in found:
            exercise(body)
        slowest = max(slowest, time.perf_counter() - started)
        assert framer.pending <= 4096
    return slowest


def test_mutated_frames_raise_nothing_but_coded_errors() -> None:
    assert run_mutated(2_000, seed=1) < SLOWEST


@pytest.mark.slow
def test_a_million_mutated_frames_raise_nothing_hang_nowhere_and_grow_nothing() -> None:
    import tracemalloc

    run_mutated(10_000, seed=2)
    tracemalloc.start()
    run_mutated(2_000, seed=3)
    before = tracemalloc.get_traced_memory()[0]
    run_mutated(2_000, seed=4)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert grown < 256 * 1024
    assert run_mutated(LONG_FORM, seed=5) < SLOWEST
