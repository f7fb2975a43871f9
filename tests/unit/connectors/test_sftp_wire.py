"""SFTP's packets: any split of the bytes gives the same answers, and no bytes get further than MalformedError."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.connectors.sftp import wire
from engine.connectors.sftp.wire import Answer, Ask, Attributes, Entry, MalformedError, Reader, Told, Unpacker

ANSWERS = [
    Answer(Told.STATUS, 7, wire.u32(0) + wire.string(b"") + wire.string(b"")),
    Answer(Told.HANDLE, 8, wire.string(b"\x00\x01")),
    Answer(Told.DATA, 2**32 - 1, wire.string(b"x" * 3000)),
]
STREAM = b"".join(struct.pack(">IBI", 5 + len(a.content), a.kind, a.number) + a.content for a in ANSWERS)


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_any_split_of_the_stream_gives_the_same_answers(cuts: list[int]) -> None:
    unpacker, places = Unpacker(), [0, *sorted(cuts), len(STREAM)]
    found = [one for start, end in itertools.pairwise(places) for one in unpacker.feed(STREAM[start:end])]

    assert found == ANSWERS


def test_stream_fed_one_byte_at_a_time_gives_the_same_answers() -> None:
    unpacker = Unpacker()

    assert [one for byte in STREAM for one in unpacker.feed(bytes([byte]))] == ANSWERS


@pytest.mark.parametrize("length", [0, 4, wire.LONGEST_PACKET + 1, 2**32 - 1])
def test_impossible_length_is_malformed_before_anything_is_kept(length: int) -> None:
    with pytest.raises(MalformedError):
        list(Unpacker().feed(struct.pack(">I", length)))


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    for take in (Reader.entries, Reader.attributes, Reader.text):
        try:
            take(Reader(content))
        except MalformedError:
            continue


@pytest.mark.parametrize("raw", [b"a.edi", "Rückmeldung.edi".encode(), b"r\xfccken.edi", b"\xff\xfe"])
def test_name_goes_back_to_the_server_as_it_came(raw: bytes) -> None:
    name = Reader(wire.string(raw)).text()

    assert wire.text(name) == wire.string(raw)


def test_listing_gives_size_mode_and_time_and_leaves_the_rest_out() -> None:
    extended = wire.u32(1) + wire.string(b"acl@example") + wire.string(b"rw")
    attributes = struct.pack(">IQIIIII", 0x8000000F, 2**40, 1000, 100, 0o100644, 11, 1_700_000_000) + extended
    content = wire.u32(2)
    for name in (b"a", b"b"):
        content += wire.string(name) + wire.string(b"-rw-r--r-- 1 somebody") + attributes

    looks = Attributes(2**40, 0o100644, 1_700_000_000)
    assert Reader(content).entries() == [Entry("a", looks), Entry("b", looks)]


def test_attributes_that_the_server_does_not_tell_are_none() -> None:
    assert Reader(wire.NO_ATTRIBUTES).attributes() == Attributes(None, None, None)


def test_packet_has_its_length_kind_and_number_first() -> None:
    assert wire.packet(Ask.OPENDIR, 5, wire.text("/in")) == b"\x00\x00\x00\x0c\x0b\x00\x00\x00\x05\x00\x00\x00\x03/in"
