"""Every set that is described, made from its own data: written, read back strictly and equal. 10,000 a set are slow."""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.protocols.x12 import (
    SUPPORTED_SETS,
    OutboundGroup,
    OutboundSet,
    Segment,
    Separators,
    judge,
    read,
    write_interchange,
)
from engine.protocols.x12.elements import segment_specs
from engine.protocols.x12.functional_groups import SET_OF_GROUP
from engine.protocols.x12.values import ElementValue, SegmentValues
from tests.support import x12_samples as samples
from tests.support.x12_generator import generate

SHORT, LONG = 500, 10_000
VERSIONS = ("004010", "005010")
_BATCH = 50
_GROUP = {code: group for group, codes in SET_OF_GROUP.items() for code in codes}


def value_of(text: str, composite: bool, separators: Separators) -> ElementValue:
    repeats = text.split(separators.repetition) if separators.repetition else [text]
    if len(repeats) > 1:
        return tuple(tuple(one.split(separators.component)) for one in repeats)
    return tuple(text.split(separators.component)) if composite and text else text


def values_of(segment: Segment, version: str, separators: Separators) -> SegmentValues:
    specs = segment_specs(version)[segment.id].elements
    flags = [bool(s.parts) for s in specs] + [False]
    return (segment.id, *(value_of(t, f, separators) for t, f in zip(segment.parts[1:], flags, strict=False)))


def there_and_back(sets: list[OutboundSet], version: str) -> None:
    group = OutboundGroup(_GROUP[sets[0].code], version, 12, tuple(sets))
    data = write_interchange(samples.partner(version), 12, datetime(2026, 11, 20, 8, 15), [group])
    outcome = judge(read(data).interchanges[0])
    assert [str(f) for f in outcome.all_findings] == []
    received = [one for _, one in outcome.accepted_sets()]
    assert len(received) == len(sets)
    for sent, one in zip(sets, received, strict=True):
        assert tuple(values_of(s, version, one.separators) for s in one.segments[1:-1]) == sent.segments


def check(code: str, version: str, count: int) -> None:
    for first in range(0, count, _BATCH):
        there_and_back([generate(code, version, seed) for seed in range(first, first + _BATCH)], version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("code", SUPPORTED_SETS)
def test_generated_sets_read_back_as_they_were_written(code: str, version: str) -> None:
    check(code, version, SHORT // len(VERSIONS))


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("code", SUPPORTED_SETS)
def test_ten_thousand_generated_sets_read_back_as_they_were_written(code: str, version: str) -> None:
    check(code, version, LONG // len(VERSIONS))
