"""Rules of the filter language."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.channel.expression import compile_expression
from engine.channel.wildcard import wildcard_match
from engine.core.errors import ExpressionError

MESSAGE = {
    "PV1-2": "I",
    "PV1-3.1": "OR-2",
    "MSH-9.2": "A01",
    "total.amount": Decimal("5000.00"),
    "RQD[2]-5": "10",
    "BEG03": "PO1",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('PV1-2 == "I"', True),
        ("PV1-2 == 'O'", False),
        ('PV1-2 != "I"', False),
        ('MSH-9.2 in ["A01", "A03"]', True),
        ('MSH-9.2 in ("A01", "A03")', True),
        ('MSH-9.2 not in ["A01", "A03"]', False),
        ('not MSH-9.2 in ["A01"]', False),
        ('starts_with(PV1-3.1, "OR") and PV1-2 == "I"', True),
        ('ends_with(PV1-3.1, "-2")', True),
        ('contains(PV1-3.1, "X") or BEG03 == "PO1"', True),
        ("total.amount >= 5000", True),
        ("total.amount > 5000", False),
        ("RQD[2]-5 == 10.0", True),
        ("RQD[2]-5 < 9", False),
        ("exists(ZZZ-1)", False),
        ('ZZZ-1 == ""', True),
        ("ZZZ-1 < 5", False),
        ("not exists(ZZZ-1)", True),
        ('matches(PV1-3.1, "OR-#")', True),
        ('lower(PV1-2) == "i"', True),
        ('(PV1-2 == "O" or PV1-2 == "I") and true', True),
        ('PV1-2 == "O" or PV1-2 == "I" and false', False),
    ],
)
def test_an_expression_means_what_it_says(text: str, expected: bool) -> None:
    assert compile_expression(text)(MESSAGE.get) is expected


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("PV1-2 = 'I'", 7),
        ("PV1-2 ==", 9),
        ("PV1-2 == 'I' PV1-3", 14),
        ("__import__('os')", 1),
        ("starts_with(PV1-2)", 1),
        ("PV1-2 in 'I'", 10),
        ("PV1-2 in ['I'", 14),
        ("(PV1-2 == 'I'", 14),
        ("PV1-2 == 'I' && true", 14),
        ("", 1),
        ("lambda: 1", 7),
        ("'unfinished", 1),
    ],
)
def test_what_is_not_an_expression_is_refused_at_its_column(text: str, column: int) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text)

    assert refused.value.where == f"column {column}"


def test_names_are_listed_with_their_columns() -> None:
    names = compile_expression('PV1-2 == "I" and exists(ZPV-4.1)').names

    assert [(n.text, n.column) for n in names] == [("PV1-2", 1), ("ZPV-4.1", 25)]


def test_nesting_is_bounded() -> None:
    with pytest.raises(ExpressionError):
        compile_expression("(" * 500 + "true" + ")" * 500)


@given(st.text(max_size=60))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return
    assert isinstance(expression(MESSAGE.get), bool)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True),
        ("a*b*c", "aXXbYYc", True),
        ("a*b", "ac", False),
        ("S1###", "S1001", True),
        ("S1###", "S10", False),
    ],
)
def test_wildcards(pattern: str, text: str, expected: bool) -> None:
    assert wildcard_match(pattern, text) is expected


def test_wildcards_stay_quick_on_patterns_made_to_be_slow() -> None:
    assert wildcard_match("*a" * 50 + "b", "a" * 2000) is False
