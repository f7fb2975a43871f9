"""pyx12 as an independent reader: it finds no fault in what we write, and the same faults as we in what is wrong."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
from pyx12.x12file import X12Reader

from engine.protocols.x12 import OutboundGroup, OutboundSet, answer, read, write_interchange
from tests.support import x12_samples as samples


def faults(data: bytes) -> list[str]:
    reader = X12Reader(io.StringIO(data.decode()))
    found: list[str] = []
    for _ in reader:
        found += [str(error) for error in reader.pop_errors()]
    reader.cleanup()
    return found + [str(error) for error in reader.pop_errors()]


def written(version: str = "004010") -> bytes:
    body = (("BEG", "00", "NE", "PO-1", "", "20261120"), ("PO1", "1", "5", "EA", "2.50", "", "IN", "7"), ("CTT", "1"))
    group = OutboundGroup("PO", version, 7, (OutboundSet("850", body), OutboundSet("850", body)))
    made_at = datetime(2026, 11, 20, 8, 15)
    return write_interchange(samples.partner(version), 7, made_at, [group])


@pytest.mark.parametrize("version", ["004010", "005010"])
def test_pyx12_finds_no_fault_in_an_order_that_we_wrote(version: str) -> None:
    assert faults(written(version)) == []


def test_pyx12_finds_no_fault_in_an_answer_that_we_wrote() -> None:
    told = answer(samples.interchange().replace(b"GE*1", b"GE*2"))
    assert told is not None
    group = told.group(7)
    assert group is not None
    made_at = datetime(2026, 11, 20, 8, 15)

    assert faults(write_interchange(samples.partner(), 7, made_at, [group])) == []


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"IEA*1*000000007", b"IEA*2*000000007", "X021"),
        (b"IEA*1*000000007", b"IEA*1*000000008", "X001"),
        (b"GE*2*7", b"GE*3*7", "X105"),
        (b"GE*2*7", b"GE*2*8", "X104"),
        (b"SE*5*0002", b"SE*6*0002", "X204"),
        (b"SE*5*0002", b"SE*5*0003", "X203"),
        (b"ST*850*0002", b"ST*850*0001", "X223"),
    ],
)
def test_both_find_the_same_envelope_fault(old: bytes, new: bytes, code: str) -> None:
    data = written()
    assert old in data
    data = data.replace(old, new)

    assert code in [f.code for f in read(data).findings]
    assert faults(data)
