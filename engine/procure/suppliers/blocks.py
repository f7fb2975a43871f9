"""Where suppliers meet whose names are alike, so that nobody is compared with everybody.

Two names are alike when three quarters of all their words are in both. Of two short ones, the words that both have are
a part of each that is known beforehand: each is kept under its parts, and looks under them for the other. Whoever meets
so is alike, and whoever is alike meets. Long names have too many parts; they meet at one of their rarest words, for
which the longest ones are taken, and some of those are not alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import ceil, floor

from engine.canonical.entity_names import blind, normal_name

ALIKE = Fraction(3, 4)  # of all words that two names have together
_SHORT = 6  # words; a name of six has seven parts, one of ten would have 56
_NAMES = 16_384  # that are remembered: all of a large network


def kept_under(name: str) -> tuple[str, ...]:
    """Dossiers that a supplier of this name belongs to."""
    return _dossiers(normal_name(name), False)


def looked_under(name: str) -> tuple[str, ...]:
    """Dossiers in which a supplier of this name finds the others."""
    return _dossiers(normal_name(name), True)


@lru_cache(maxsize=2 * _NAMES)
def _dossiers(name: str, is_looking: bool) -> tuple[str, ...]:
    words = tuple(sorted(set(name.split())))
    return tuple(
        _place(part, *(sizes[::-1] if is_looking else sizes)) for part, sizes in (*_parts(words), *_rarest(words))
    )


def _place(part: tuple[str, ...], kept: int, asks: int) -> str:
    """
    Args:
        kept: how many words the name has that is kept there.
        asks: how many that one has that looks there.
    """
    return f"supplier-name:{blind(f'{kept} {asks} ' + ' '.join(part))}"


def _parts(words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
    """Each part that an alike short name may have in common with this one, with the words of both."""
    mine = len(words)
    if mine > _SHORT:
        return
    for common in range(ceil(ALIKE * mine), mine + 1):
        most = min(_SHORT, floor(common / ALIKE) + common - mine)  # words of the other one, so that they are alike
        for part in combinations(words, common):
            for theirs in range(common, most + 1):
                yield part, (mine, theirs)


def _rarest(words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
    """If one of two alike names is long, they have one of these in common: too few others are left in each."""
    mine = len(words)
    ordered = sorted(words, key=lambda word: (-len(word), word))
    for theirs in range(ceil(ALIKE * mine), floor(mine / ALIKE) + 1):
        if max(mine, theirs) > _SHORT:
            for word in ordered[: mine - ceil(ALIKE * mine) + 1]:
                yield ("rare", word), (mine, theirs)
