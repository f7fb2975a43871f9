"""Batches and whole files."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.core.errors import CharsetError, StructureError
from engine.protocols.hl7v2 import FindingCode, read_file
from engine.protocols.hl7v2.batch import acknowledge_batch, split_batch, write_batch
from engine.protocols.hl7v2.framing import frame

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
A, B = b"MSH|^~\\&|A|||||||1\rPID|1\r", b"MSH|^~\\&|B|||||||2\rPID|2\r"
BATCH = b"FHS|^~\\&|X\rBHS|^~\\&|X\r" + A + B + b"BTS|2\rFTS|1\r"


def codes(data: bytes) -> list[tuple[str, str]]:
    return [(finding.code.name, finding.where) for finding in split_batch(data).findings]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_a_batch_is_split_and_joined_byte_for_byte(end: bytes) -> None:
    data = BATCH.replace(b"\r", end)
    batch = split_batch(data, strict=True)

    assert batch.messages == (A.replace(b"\r", end), B.replace(b"\r", end))
    assert batch.encode() == data
    assert [piece.kind for piece in batch.pieces] == ["FHS", "BHS", "MSH", "MSH", "BTS", "FTS"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (BATCH, []),
        (BATCH.replace(b"BTS|2", b"BTS|3"), [("BATCH_COUNT", "BTS[1]-1")]),
        (BATCH.replace(b"BTS|2", b"BTS|x"), [("BATCH_COUNT", "BTS[1]-1")]),
        (BATCH.replace(b"BTS|2", b"BTS"), []),
        (BATCH.replace(b"FTS|1", b"FTS|2"), [("BATCH_COUNT", "FTS-1")]),
        (BATCH.replace(b"BTS|2\r", b""), [("BATCH_ENVELOPE", "BTS[1]")]),
        (BATCH.replace(b"FTS|1\r", b""), [("BATCH_ENVELOPE", "FTS")]),
        (A + b"BTS|1\r", [("BATCH_ENVELOPE", "BTS[1]")]),
        (A + b"FTS|0\r", [("BATCH_ENVELOPE", "FTS")]),
        (A + B, []),
    ],
)
def test_counts_and_envelope_are_checked(data: bytes, expected: list[tuple[str, str]]) -> None:
    assert codes(data) == expected


def test_a_wrong_count_is_an_error_when_strict() -> None:
    with pytest.raises(StructureError) as caught:
        split_batch(BATCH.replace(b"BTS|2", b"BTS|3"), strict=True)
    assert caught.value.where == "BTS[1]-1"


def test_a_segment_name_inside_a_text_does_not_start_a_message() -> None:
    data = b"MSH|^~\\&|A\rNTE|1||MSH|x\rMSHX|1\r"

    assert split_batch(data).messages == (data,)


def test_what_is_written_reads_back() -> None:
    data = write_batch([A, B.rstrip(b"\r")], "B1", MOMENT, ("OR", "HAR|BOR"), ("ERP", "X"))
    batch = split_batch(data, strict=True)

    assert batch.messages == (A, B)
    assert batch.header == b"BHS|^~\\&|OR|HAR\\F\\BOR|ERP|X|20260301000000+0000||||B1\r"


def test_a_batch_is_acknowledged_by_a_batch_that_names_it() -> None:
    header = b"BHS|^~\\&|OR|HARBOR|ERP|X|20260301||||B1\r"
    batch = split_batch(acknowledge_batch(header, [A], "K1", MOMENT), strict=True)

    assert batch.header == b"BHS|^~\\&|ERP|X|OR|HARBOR|20260301000000+0000||||K1|B1\r"
    assert batch.messages == (A,)


# ------------------------------------------------------------------ files
@pytest.mark.parametrize(
    ("data", "count"),
    [
        (A, 1),
        (A + B, 2),
        (BATCH, 2),
        (A + b"\r\n\r\n" + B, 2),
        (b"\xef\xbb\xbf" + A, 1),
        (b"\r\n" + A, 1),
        (frame(A) + frame(B), 2),
        (frame(A) + b"\r\n" + frame(BATCH), 3),
        (b"\x0b" + A, 1),
        (b"\x0b" + A + b"\x1c", 1),
        (A.decode().encode("utf-16"), 1),
    ],
)
def test_files_are_read_and_written_byte_for_byte(data: bytes, count: int) -> None:
    file = read_file(data)

    assert len(file.messages) == count
    assert file.encode() == data


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", "MSH"),
        (b"\n", "MSH"),
        (b"hello", "byte 1"),
        (b"junk\r" + A, "byte 1"),
        (b"<ORU_R01/>", "byte 1"),
        (b"\xef\xbb\xbf \n<ORU_R01/>", "byte 1"),
        (A + b"MSH|x\r", "message 2 MSH-2"),
    ],
)
def test_other_files_are_refused_with_a_place(data: bytes, where: str) -> None:
    with pytest.raises(StructureError) as caught:
        read_file(data)
    assert caught.value.where == where


def test_every_byte_must_be_of_the_declared_character_set() -> None:
    data = A.replace(b"PID|1", "PID|1|Müller".encode())

    with pytest.raises(CharsetError) as caught:
        read_file(data)
    assert caught.value.where == "PID[1]-2"
    assert read_file(b"\xef\xbb\xbf" + data).messages[0].get("PID-2") == "Müller"
    assert read_file(data, charset="utf-8").messages[0].get("PID-2") == "Müller"


def test_findings_name_their_message() -> None:
    file = read_file(A + B.replace(b"PID", b"pid"))

    assert [(finding.code, finding.where) for finding in file.findings] == [
        (FindingCode.SEGMENT_NAME, "message 2 segment 2")
    ]
