"""A supplier's names against lists of sanctioned parties. `screen_supplier` asks for it; the answer is a document.

A list as a file is CSV: number, name, and any other names behind it. A name is alike when all words of the shorter one
are in the longer one; words are compared as supplier names are. A likeness is looked at by a person.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from engine.canonical import SanctionsScreening, Supplier
from engine.canonical.entity_names import normal_name
from engine.core.errors import ConfigurationError
from engine.ports.sanctions import SanctionsList
from engine.procure.suppliers.supplier import names_digest

_LEAST_WORDS = 2  # of a name that may be part of a longer one: one word alone is like too many
_COLUMNS = 2


class CsvSanctions:
    """`SanctionsList` over the text of a file."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._by_word = _read(name, text)

    @property
    def name(self) -> str:
        return self._name

    async def alike(self, names: Sequence[str]) -> Sequence[str]:
        return sorted({number for name in names for number in self._alike(_words(name))})

    def _alike(self, words: frozenset[str]) -> Iterable[str]:
        candidates = {entry for word in words for entry in self._by_word.get(word, ())}
        return [number for number, theirs in candidates if _is_alike(words, theirs)]


_Entry = tuple[str, frozenset[str]]


def _read(name: str, text: str) -> Mapping[str, list[_Entry]]:
    by_word: defaultdict[str, list[_Entry]] = defaultdict(list)
    for line, row in enumerate(csv.reader(io.StringIO(text)), 1):
        if not row:
            continue
        if len(row) < _COLUMNS or not row[0].strip():
            remedy = "each row is a number, a name, and other names"
            raise ConfigurationError("not a row of a list of names", where=f"{name}:{line}", remedy=remedy)
        for one in row[1:]:
            for word in _words(one):
                by_word[word].append((row[0].strip(), _words(one)))
    return by_word


def _words(name: str) -> frozenset[str]:
    return frozenset(normal_name(name).split())


def _is_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return one == other or (len(shorter) >= _LEAST_WORDS and shorter <= longer)


async def screen(supplier: Supplier, against: SanctionsList, at: datetime) -> SanctionsScreening:
    """The answer to `screen_supplier` of one list."""
    names = (supplier.name, supplier.registered_name, *supplier.doing_business_as)
    found = await against.alike(names)
    return SanctionsScreening(
        supplier_number=supplier.supplier_number,
        names=names_digest(supplier),
        list_name=against.name,
        is_clear=not found,
        screened_at=at,
        entries=tuple(found),
    )
