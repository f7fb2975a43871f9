"""MLLP framing."""

from __future__ import annotations

import pytest

from engine.core.errors import FramingError, SizeLimitError
from engine.protocols.hl7v2 import FindingCode
from engine.protocols.hl7v2.framing import COMMIT, JUNK_LIMIT, MllpFramer, frame

A, B = b"MSH|^~\\&|A\rPID|1\r", b"MSH|^~\\&|B\r"


def feed_in_pieces(framer: MllpFramer, data: bytes, size: int) -> list[bytes]:
    return [body for start in range(0, len(data), size) for body in framer.feed(data[start : start + size])]


@pytest.mark.parametrize("size", range(1, 48))
def test_any_split_gives_the_same_messages(size: int) -> None:
    assert feed_in_pieces(MllpFramer(), frame(A) + frame(B) + frame(A), size) == [A, B, A]


def test_bytes_outside_frames_are_dropped_and_counted() -> None:
    framer = MllpFramer()

    assert framer.feed(b"junk" + frame(A) + b"\r\n" + frame(B) + b"x") == [A, B]
    assert framer.discarded == 7
    assert [finding.code for finding in framer.findings] == [FindingCode.JUNK_BETWEEN_FRAMES]
    assert framer.idle


def test_line_ends_between_frames_are_no_finding() -> None:
    framer = MllpFramer()

    assert framer.feed(frame(A) + b"\r\n" + frame(B) + b"\n") == [A, B]
    assert framer.findings == ()


def test_a_field_end_without_carriage_return_does_not_end_the_message() -> None:
    body = b"MSH|^~\\&|\x1cA\r"

    assert MllpFramer().feed(frame(body)) == [body]


def test_a_torn_message_is_dropped_and_never_joined_to_the_next() -> None:
    framer = MllpFramer()

    assert framer.feed(b"\x0bMSH|^~\\&|TORN\rPID|" + frame(B)) == [B]
    assert framer.torn == 1
    assert FindingCode.TORN_FRAME in [finding.code for finding in framer.findings]


def test_a_vertical_tab_in_a_text_is_kept() -> None:
    body = b"MSH|^~\\&|A\rNTE|1||one\x0btwo\r"

    assert MllpFramer().feed(frame(body)) == [body]


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_a_message_above_the_limit_is_refused_and_not_kept(size: int) -> None:
    framer = MllpFramer(max_bytes=100)

    with pytest.raises(SizeLimitError):
        feed_in_pieces(framer, b"\x0b" + b"x" * 1000, size)
    assert framer.pending == 0
    with pytest.raises(SizeLimitError):
        framer.feed(frame(A))


def test_a_message_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert MllpFramer(max_bytes=len(A)).feed(frame(A)) == [A]
    with pytest.raises(SizeLimitError):
        MllpFramer(max_bytes=len(A) - 1).feed(frame(A))


def test_messages_before_an_oversize_one_are_still_returned() -> None:
    framer = MllpFramer(max_bytes=100)

    assert framer.feed(frame(A) + b"\x0b" + b"x" * 200) == [A]
    assert isinstance(framer.fault, SizeLimitError)
    with pytest.raises(SizeLimitError):
        framer.feed(b"")


def test_a_peer_that_does_not_speak_mllp_is_refused() -> None:
    framer = MllpFramer()
    framer.feed(b"GET / HTTP/1.1\r\n")

    with pytest.raises(FramingError):
        framer.feed(b"x" * JUNK_LIMIT)


def test_commit_blocks_of_release_2_are_frames_of_one_byte() -> None:
    assert MllpFramer().feed(frame(COMMIT) + frame(A)) == [COMMIT, A]
