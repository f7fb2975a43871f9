"""Dossiers in memory for the deciders: documents with who brought them, and a world that looks them up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.canonical import Document
from engine.core.clock import to_micros
from engine.ports.procure import Record, Reference
from engine.procure.deciders import decide
from engine.procure.decision import Decision, World
from engine.procure.papers import Papers, dossiers_of

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)  # a Monday


class Dossiers:
    """What the store of the process does, without a store: each document becomes a version in its dossiers."""

    def __init__(self, policies: Any = None) -> None:
        self.policies = policies
        self.now = NOON
        self._records: defaultdict[str, dict[tuple[str, str, int], Record]] = defaultdict(dict)
        self._versions: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
        self._known: dict[Reference, Document] = {}

    def take(self, document: Document, who: str | None = None, at: datetime | None = None) -> Document:
        """A minute passes with each document."""
        self.now = at or self.now + timedelta(minutes=1)
        key = (document.kind, document.natural_key)
        body = document.model_dump_json().encode()
        record = Record(*key, len(self._versions[key]) + 1, body, to_micros(self.now), None if who else 1, who)
        self._versions[key].append(record)
        for dossier in dossiers_of(document):
            for one in self._versions[key]:
                self._records[dossier][(*key, one.version)] = one
        self._known[Reference(*key)] = document
        return document

    def papers(self, dossier: str) -> Papers:
        return Papers(self._records[dossier].values())

    def world(self, watermarks: Mapping[str, datetime] | None = None) -> World:
        return World(self.now, self._known, watermarks or {}, self.policies, _Everything(self))

    def decide(self, dossier: str) -> Decision:
        return decide(dossier, self.papers(dossier), self.world())

    def wait(self, by: timedelta) -> None:
        self.now += by


class _Everything(dict[str, Papers]):
    """All dossiers there are."""

    def __init__(self, dossiers: Dossiers) -> None:
        super().__init__()
        self._dossiers = dossiers

    def get(self, key: str, default: Any = None) -> Any:
        return self._dossiers.papers(key)
