"""No bytes crash or hang the X12 reader, and what it reads it gives back. Long form marked slow."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import IsthmusError, MessageError
from engine.mapping.x12_810 import invoice_from_810
from engine.mapping.x12_850 import purchase_order_from_850
from engine.protocols.x12 import (
    EnvelopePolicy,
    TransactionSet,
    answer_outcome,
    encode,
    iterate_segments,
    judge,
    read,
    read_acknowledgements,
)
from tests.support import x12_samples as samples

SEEDS = (
    samples.interchange(),
    samples.interchange(samples.INVOICE, "810", "IN", end="\n"),
    samples.interchange(("AK1*PO*7", "AK2*850*0001", "AK5*A", "AK9*A*1*1*1"), "997", "FA", end="~\r\n"),
    samples.interchange() + samples.interchange(end="'\n"),
)
TOKENS = (
    b"*",
    b"~",
    b">",
    b"\n",
    b"\r",
    b"ISA",
    b"IEA",
    b"GS*",
    b"GE*",
    b"ST*850*",
    b"SE*",
    b"-",
    b".",
    b"\xff",
    b"\0",
    b"0",
)


def survives(data: bytes) -> bool:
    """Read, judge, answer and map; only our own errors, with a code and words, may come out."""
    try:
        file = read(data)
    except MessageError as error:
        return error.code != IsthmusError.code and bool(error.what)
    assert encode(file) == data
    for interchange in file.interchanges:
        for policy in EnvelopePolicy:
            outcome = judge(interchange, policy)
            answer_outcome(outcome)
            for _, one in outcome.accepted_sets():
                maps(one)
    read_acknowledgements(file)
    return True


def maps(one: TransactionSet) -> None:
    try:
        purchase_order_from_850(one) if one.code == "850" else invoice_from_810(one)
    except IsthmusError as error:
        if not error.where:
            raise


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes(data: bytes) -> None:
    assert survives(data)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_after_a_right_isa(data: bytes) -> None:
    assert survives(samples.ISA.encode() + b"~" + data)


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 600), st.integers(0, 6), st.sampled_from(TOKENS))))
@settings(deadline=None)
def test_right_interchanges_with_pieces_cut_out_and_put_in(seed: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    data = seed
    for at, cut, token in edits:
        data = data[:at] + token + data[at + cut :]
    assert survives(data)


@given(st.sampled_from(SEEDS), st.lists(st.integers(1, 120), max_size=12))
@settings(deadline=None)
def test_any_split_of_a_stream_gives_the_same_segments(seed: bytes, sizes: list[int]) -> None:
    chunks, at = [], 0
    for size in sizes:
        chunks.append(seed[at : at + size])
        at += size
    chunks.append(seed[at:])

    split = [s.parts for s in iterate_segments(chunks)]

    assert split == [s.parts for s in iterate_segments([seed])]


@pytest.mark.parametrize(
    "data",
    [
        samples.ISA.encode() + b"~" * 200_000,
        samples.ISA.encode() + b"~" + b"*" * 200_000 + b"~IEA*0*000000501~",
        samples.ISA.encode() + b"~" + b"GS~" * 50_000,
        samples.ISA.encode() + b"~" + b"ST~" * 50_000,
        (samples.ISA.encode() + b"~") * 2_000,
        b"ISA*" * 50_000,
        samples.ISA.encode() + b"~" + b" " * 200_000 + b"IEA",
        (samples.ISA.encode()[:-1] + b"~GS~IEA*1*000000501~") * 1_500,
        (samples.ISA.encode()[:-1] + b"~GS*1") * 3_000 + b"~IEA*1*1~",
        (samples.ISA.encode() + b"~" + b" \n" * 200) * 500,
    ],
    ids=[
        "terminators",
        "elements",
        "groups",
        "sets",
        "headers",
        "isa_only",
        "blanks",
        "no_isa16",
        "no_isa16_no_iea",
        "blank_runs",
    ],
)
def test_input_made_to_be_slow_is_read_in_linear_time(data: bytes) -> None:
    began = time.process_time()

    assert survives(data)
    assert time.process_time() - began < 20  # each takes under a second


@pytest.mark.slow
def test_a_hundred_thousand_mutations() -> None:
    source = random.Random(20261120)
    for _ in range(100_000):
        data = bytearray(source.choice(SEEDS))
        for _ in range(source.randrange(1, 6)):
            at = source.randrange(len(data))
            data[at : at + source.randrange(4)] = source.choice(TOKENS)
        assert survives(bytes(data))
