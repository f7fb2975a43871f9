"""References that decisions look at: remembered as the store has them, so that most are there when they are asked for.

Sound because one process at a time writes them: whatever it saves is remembered anew (`saved`), and who decided by
what came before is told apart by `Looking`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping

from engine.canonical import Document
from engine.ports.procure import Reference

_AT_MOST = 20_000  # far more than are saved while one is read: what is read can never hide what was saved


class Remembered:
    """The newest version of each reference, None for those that nobody told of."""

    def __init__(self) -> None:
        self._known: OrderedDict[Reference, Document | None] = OrderedDict()

    def saved(self, reference: Reference, document: Document) -> None:
        self._known[reference] = document
        self._known.move_to_end(reference)
        self._within_limit()

    def was_read(self, reference: Reference, document: Document | None) -> None:
        """What was saved meanwhile is newer, and stays."""
        self._known.setdefault(reference, document)
        self._within_limit()

    def forget(self) -> None:
        self._known.clear()

    def __contains__(self, reference: object) -> bool:
        return reference in self._known

    def __getitem__(self, reference: Reference) -> Document | None:
        self._known.move_to_end(reference)
        return self._known[reference]

    def _within_limit(self) -> None:
        while len(self._known) > _AT_MOST:
            self._known.popitem(last=False)


class Shown(Mapping[Reference, Document | None]):
    """What a decision sees: documents that are saved with it, what was read for it, what is remembered."""

    def __init__(self, offered: Mapping[Reference, Document], remembered: Remembered) -> None:
        self._own: dict[Reference, Document | None] = {**offered}
        self._remembered = remembered

    def was_read(self, reference: Reference, document: Document | None) -> None:
        self._own[reference] = document

    def __contains__(self, reference: object) -> bool:
        return reference in self._own or reference in self._remembered

    def __getitem__(self, reference: Reference) -> Document | None:
        if reference not in self._own:
            self._own[reference] = self._remembered[reference]  # one decision sees one version
        return self._own[reference]

    def __iter__(self) -> Iterator[Reference]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


class Looking:
    """Who looks at what while it is decided: the store does not know of it before the decision is saved."""

    def __init__(self) -> None:
        self._at: dict[str, set[Reference]] = {}

    def at(self, dossier: str, references: Iterable[Reference]) -> None:
        self._at.setdefault(dossier, set()).update(references)

    def end(self, dossier: str) -> None:
        self._at.pop(dossier, None)

    def at_any(self, references: Iterable[Reference]) -> set[str]:
        wanted = set(references)
        return {dossier for dossier, looked in self._at.items() if not wanted.isdisjoint(looked)}
