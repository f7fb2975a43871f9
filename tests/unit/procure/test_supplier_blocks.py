"""Suppliers are found by what their names have in common: nobody is left out, and nobody is compared with everybody."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.canonical import Supplier, SupplierStatus
from engine.canonical.entity_names import normal_name
from engine.procure.suppliers import names as supplier_names
from engine.procure.suppliers.blocks import ALIKE, kept_under, looked_under
from engine.procure.suppliers.names import Alike, alike, pairs
from tests.support.suppliers import named

_WORDS = ("acme", "harbor", "medical", "supply", "north", "of", "care", "labs", "devices", "east", "the", "Inc", "&")
names = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=12).map(" ".join)
taxes = st.sampled_from((None, None, "12-3456789", "123456789", "98-7654321"))


def everybody_with_everybody(suppliers: list[Supplier]) -> list[Alike]:
    known = [one for one in suppliers if one.merged_into is None and one.active]
    found = (alike(one, other) for one, other in combinations(known, 2))
    return sorted(one for one in found if one is not None)


def share(one: str, other: str) -> bool:
    return not set(kept_under(other)).isdisjoint(looked_under(one))


def likeness(one: str, other: str) -> tuple[bool, int]:
    """Whether they are alike, and how many words the longer one has."""
    mine, theirs = set(normal_name(one).split()), set(normal_name(other).split())
    return len(mine & theirs) >= ALIKE * len(mine | theirs), max(len(mine), len(theirs))


@given(st.lists(st.tuples(names, taxes), max_size=12))
def test_what_is_found_is_what_comparing_everybody_with_everybody_finds(known: list[tuple[str, str | None]]) -> None:
    suppliers = [named(f"S{n}", name, tax) for n, (name, tax) in enumerate(known)]

    assert pairs(suppliers) == everybody_with_everybody(suppliers)


@given(names, names)
def test_alike_names_meet_and_short_ones_meet_only_then(one: str, other: str) -> None:
    are_alike, most = likeness(one, other)

    if are_alike:
        assert share(one, other)
        assert share(other, one)
    elif most <= 6:
        assert not share(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme Medical, Inc.", "MEDICAL ACME LLC"),  # in another order
        ("Harbor Medical Supply", "Harbor Medical Supply East"),
        ("The Board of Regents of Harbor State Medical Center", "Board of Regents of Harbor State Medical Center"),
        ("...", "!!!"),  # nothing is left of either
    ],
)
def test_names_in_another_order_or_with_a_word_more_meet(one: str, other: str) -> None:
    assert share(one, other)
    assert alike(named("S1", one), named("S2", other)) is not None


def test_inactive_and_merged_suppliers_are_left_out() -> None:
    one, other = named("S1", "Acme"), named("S2", "Acme")
    ended = other.model_copy(update={"status": SupplierStatus.MERGED, "merged_into": "S9"})

    assert pairs([one, other]) == everybody_with_everybody([one, other]) != []
    assert pairs([one, ended]) == []


def test_of_thousands_of_suppliers_only_few_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of their words are those that every second name has."""
    chosen, compared = random.Random(7), 0
    common, rare = _WORDS[:9], [f"w{n:04d}" for n in range(3000)]

    def words() -> str:
        drawn = (chosen.choice(common if chosen.random() < 0.5 else rare) for _ in range(chosen.randint(2, 6)))
        return " ".join(drawn)

    def counted(one: Supplier, other: Supplier) -> Alike | None:
        nonlocal compared
        compared += 1
        return alike(one, other)

    suppliers = [named(f"S{n}", words()) for n in range(2000)]
    monkeypatch.setattr(supplier_names, "alike", counted)

    found = pairs(suppliers)

    assert 0 < len(found) == compared < 2000  # of two million pairs
