"""The sets as data: they compile, they say what may follow what, and the fast check never passes a fault."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.protocols.x12 import SUPPORTED_SETS, TransactionSet, read, validate
from engine.protocols.x12.definition import definition
from engine.protocols.x12.elements import segment_specs
from tests.support import x12_samples as samples


@pytest.mark.parametrize("version", ["004010", "005010", "005010X221A1", "004030"])
@pytest.mark.parametrize("code", SUPPORTED_SETS)
def test_every_described_set_compiles_and_knows_all_its_segments(code: str, version: str) -> None:
    table = definition(code, version)

    assert table is not None
    assert table.nodes[0].segment_id == "ST"
    assert table.nodes[-1].segment_id == "SE"
    assert table.segment_ids <= set(table.segments)


@pytest.mark.parametrize(("code", "version"), [("850", "003040"), ("850", "007010"), ("850", ""), ("841", "004010")])
def test_sets_and_versions_that_are_not_described_are_none(code: str, version: str) -> None:
    assert definition(code, version) is None


def order(*body: str) -> TransactionSet:
    return read(samples.interchange(body)).interchanges[0].groups[0].sets[0]


def test_same_segment_belongs_to_the_loop_it_stands_in() -> None:
    lines = (samples.BEG, "REF*IA*1", "N1*ST*MAIN", "REF*DP*1", samples.PO1, "REF*CA*1", "N1*ST*X", "REF*CA")

    findings = validate(order(*lines, "CTT*1"), "004010")

    assert [(f.loop, f.where) for f in findings] == [("PO1/N1", "REF02[4]")]


def test_counts_of_a_loop_begin_anew_with_each_turn() -> None:
    four = ("PER*BD*A", "PER*BD*B", "PER*BD*C", "PER*BD*D")
    line = (samples.PO1, *four[:3])

    assert validate(order(samples.BEG, *line, *line, "CTT*2"), "004010") == ()
    found = validate(order(samples.BEG, samples.PO1, *four, "CTT*1"), "004010")
    assert [f.x12_code for f in found] == ["AK304:5"]


@pytest.mark.parametrize("version", ["004010", "005010"])
def test_005010_allows_longer_references(version: str) -> None:
    lines = (samples.BEG, "REF*CO*" + "X" * 40, samples.PO1, "CTT*1")

    assert [f.x12_code for f in validate(order(*lines), version)] == (["AK403:5"] if version == "004010" else [])


_USUAL = ("", "0", "1", "-5", "12.50", ".5", "5.", "1E3", "00", "EA", "PE", "F", "Q", "ABC", "ABCD", "EA>1", "A", "É")
_DATES = ("20260228", "20260230", "20261131", "19991231", "0815", "2460", "081500", "261120")
values = st.sampled_from((*_USUAL, *_DATES, "X" * 30, "X" * 81, "1" * 16, "GAUZE\t"))


@given(st.sampled_from(sorted(segment_specs("004010"))), st.lists(values, max_size=14), st.booleans())
@settings(max_examples=3000, deadline=None)
def test_what_the_fast_check_passes_has_no_fault(segment_id: str, elements: list[str], newer: bool) -> None:
    spec = segment_specs("005010" if newer else "004010")[segment_id]
    parts = [segment_id, *elements]

    if spec.described and spec.is_right(parts):
        assert list(spec.faults(parts, ">")) == []


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("PO1*1*10*EA*12.50**IN*100234*VN*LS-88", True),
        ("PO1**72*CA*68.33*PE*UK*00850068673131", True),
        ("DTM*002*20261201", True),
        ("BEG*00*NE*PO-1**20261120", True),
        ("BEG*00*NE*PO-1**20261131", False),
        ("PO1*1*10*EA*12,50", False),
        ("N1*ST*MAIN*92", False),
        ("DTM*002", False),
    ],
)
def test_fast_check_passes_usual_segments(text: str, right: bool) -> None:
    parts = text.split("*")

    assert segment_specs("004010")[parts[0]].is_right(parts) is right
