"""Patterns of columns: those that could run away are refused before any message comes."""

from __future__ import annotations

import time

import pytest

from engine.protocols.tabular.pattern import LONGEST_VALUE, check_pattern, matcher


@pytest.mark.parametrize(
    "pattern",
    [
        "[A-Z]{2}[0-9]{4}",
        r"S\d{4}",
        "(EA|BX)",
        "[A-Z0-9-]{1,20}(-[0-9]{2})?",
        ".*",
        r"a\.b",
        "[^,]+,[^,]+",
        "[]x]+",
    ],
)
def test_plain_patterns_are_taken(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a|a)*",
        "(a*){2,9}",
        "([a-z]+)*b",
        "a*a*a*a*a*b",
        r"(\w+)\1",
        "(?=a)b",
        "(?:a+)+",
        "a**",
        "+a",
        "(a",
        "[a",
        "a{2",
        r"\b",
        "a{1,200}b{1,200}c{1,200}d{1,200}",
    ],
)
def test_patterns_that_could_run_away_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check_pattern(pattern)


def test_the_worst_pattern_and_value_are_done_soon() -> None:
    fits = matcher("a*a*a*b")
    began = time.process_time()

    assert not fits("a" * LONGEST_VALUE)
    assert not fits("a" * (LONGEST_VALUE + 1) + "b")
    assert time.process_time() - began < 2


def test_a_pattern_is_held_against_the_whole_value() -> None:
    assert matcher("S[0-9]{4}")("S1001")
    assert not matcher("S[0-9]{4}")("S10011")
    assert not matcher("S[0-9]{4}")("S1001\n")
