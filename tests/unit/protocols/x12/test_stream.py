"""Large interchanges come in pieces; any split of the bytes gives the same segments."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from engine.core.errors import FramingError, SizeLimitError
from engine.protocols.x12 import iterate_segments, read
from tests.support import x12_samples as samples

TWO = samples.interchange(end="~\r\n") + samples.interchange().replace(b"*", b"|").replace(b"~", b"'")


def parts(chunks: list[bytes]) -> list[list[str]]:
    return [s.parts for s in iterate_segments(chunks)]


@pytest.mark.parametrize("size", [1, 2, 7, 106, 1000])
def test_any_split_gives_the_segments_of_the_whole(size: int) -> None:
    whole = [s.parts for i in read(TWO).interchanges for s in i.segments]

    assert parts([TWO[i : i + size] for i in range(0, len(TWO), size)]) == whole


def test_positions_begin_anew_with_each_interchange() -> None:
    positions = [(s.id, s.position) for s in iterate_segments([TWO]) if s.id in ("ISA", "IEA")]

    assert positions == [("ISA", 1), ("IEA", 13), ("ISA", 1), ("IEA", 13)]


def test_last_segment_without_terminator_is_given() -> None:
    assert parts([samples.interchange()[:-1]])[-1] == ["IEA", "1", "000000501"]


def test_bytes_that_begin_with_something_else_are_refused() -> None:
    with pytest.raises(FramingError):
        parts([b"IEA*1*1~"])


def test_terminator_that_never_comes_is_refused_before_memory_is_gone() -> None:
    def endless() -> Iterator[bytes]:
        yield samples.interchange()[:200]
        while True:
            yield b"X" * 65536

    with pytest.raises(SizeLimitError):
        list(iterate_segments(endless()))


def test_memory_holds_a_chunk_and_not_the_interchange() -> None:
    line = b"PO1*1*10*EA*12.50**IN*100234*VN*LS-88~" * 1000

    def chunks() -> Iterator[bytes]:
        yield samples.interchange().split(b"PO1*")[0]
        for _ in range(100):
            yield line

    tracemalloc.start()
    count = sum(1 for _ in iterate_segments(chunks()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count > 100_000
    assert peak < 2_000_000
