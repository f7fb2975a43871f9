"""A supplier's number in each system, and from when to when: as the systems answered when they were told."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from engine.canonical import PostingResult

_TOLD = "propagate_supplier"  # and one command more for each further system of a plan


def told(answers: Iterable[PostingResult]) -> list[PostingResult]:
    """Answers that give the supplier a number, oldest first."""
    found = [one for one in answers if one.command.startswith(_TOLD) and one.ok and one.reference]
    return sorted(found, key=lambda one: (one.answered_at, one.system, one.reference))


def dated_numbers(answers: Iterable[PostingResult]) -> list[dict[str, Any]]:
    """By system, then by age. `until` is the moment of the next number; None: it holds."""
    rows: list[dict[str, Any]] = []
    every = told(answers)
    for system in sorted({one.system for one in every}):
        own = [one for one in every if one.system == system]
        firsts = [own[0], *(after for before, after in pairwise(own) if after.reference != before.reference)]
        moments = [one.answered_at.isoformat(timespec="seconds") for one in firsts]
        for one, since, until in zip(firsts, moments, [*moments[1:], None], strict=True):
            rows.append({"system": system, "number": one.reference, "since": since, "until": until})
    return rows
