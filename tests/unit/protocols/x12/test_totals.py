"""CTT02 is taken as the sum of the quantities or as X12's hash of their digits; HL levels hang together."""

from __future__ import annotations

import pytest

from engine.protocols.x12 import TransactionSet, read
from engine.protocols.x12.hierarchy import hierarchy_faults
from engine.protocols.x12.totals import total_faults
from tests.support import x12_samples as samples


def order(quantities: list[str], summary: str) -> TransactionSet:
    lines = [f"PO1*{n}*{quantity}*EA*1**IN*7" for n, quantity in enumerate(quantities, 1)]
    return read(samples.interchange((samples.BEG, *lines, summary))).interchanges[0].groups[0].sets[0]


@pytest.mark.parametrize(
    ("quantities", "claimed"),
    [
        ([".0018", ".18", "1.8", "18.01"], "1855"),  # X12's own example: digits alone
        ([".0018", ".18", "1.8", "18.01"], "19.9918"),
        (["10", "5"], "15"),
        (["10", "5"], "15.0"),
        (["9999999999", "2"], "1"),  # ten digits, truncated on the left
        (["10", "-5"], "5"),
        (["10", "-5"], "15"),
    ],
)
def test_both_ways_to_sum_are_right(quantities: list[str], claimed: str) -> None:
    assert list(total_faults(order(quantities, f"CTT*{len(quantities)}*{claimed}"))) == []


@pytest.mark.parametrize("claimed", ["16", "150", "1E99", "-15"])
def test_another_sum_is_a_fault_of_ctt02(claimed: str) -> None:
    faults = list(total_faults(order(["10", "5"], f"CTT*2*{claimed}")))

    assert [(position, element) for position, element, _ in faults] == [(5, 2)]


@pytest.mark.parametrize("quantity", ["TEN", "NaN", "sNaN", "Infinity", "1E999999999", "²"])
def test_what_is_no_number_is_left_to_the_check_of_elements(quantity: str) -> None:
    for one in (order([quantity, "5"], "CTT*2*15"), order(["10", "5"], f"CTT*2*{quantity}")):
        assert all(element == 2 for _, element, _ in total_faults(one))


def test_a_set_without_ctt_has_no_totals_to_check() -> None:
    assert list(total_faults(order(["10"], "SLN*1**I"))) == []


def notice(*levels: str) -> TransactionSet:
    body = ("BSN*00*SHP1*20261120*0815", *levels, f"CTT*{len(levels)}")
    return read(samples.interchange(body, "856", "SH")).interchanges[0].groups[0].sets[0]


@pytest.mark.parametrize(
    ("levels", "faults"),
    [
        (("HL*1**S*1", "HL*2*1*O*1", "HL*3*2*I*0"), []),
        (("HL*1**S", "HL*2**S"), []),
        (("HL*A**S*1", "HL*B*A*I"), []),
        (("HL*1**S", "HL*1*1*O"), [(2, 1)]),
        (("HL*1*1*S",), [(1, 2)]),
        (("HL*1**S*1", "HL*2*3*O", "HL*3*1*I"), [(2, 2)]),
        (("HL*1**S*0", "HL*2*1*O"), [(1, 4)]),
        (("HL*1**S*1",), [(1, 4)]),
    ],
)
def test_levels_hang_together(levels: tuple[str, ...], faults: list[tuple[int, int]]) -> None:
    found = [(occurrence, element) for occurrence, _, element, _ in hierarchy_faults(notice(*levels))]

    assert found == faults
