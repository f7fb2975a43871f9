"""Dossiers and worlds for deciders: documents in, no store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from engine.canonical import Document
from engine.channel.policies import Policies
from engine.core.clock import to_micros
from engine.ports.procure import Record, Reference
from engine.procure.decision import World
from engine.procure.papers import Papers

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # a Friday


def papers(*documents: Document, at: datetime = NOW) -> Papers:
    """A document of the same key again is its next version."""
    seen: Counter[tuple[str, str]] = Counter()
    records = []
    for one in documents:
        key = (one.kind, one.natural_key)
        seen[key] += 1
        records.append(Record(*key, seen[key], one.model_dump_json().encode(), to_micros(at)))
    return Papers(records)


def world(
    *known: Document,
    now: datetime = NOW,
    watermarks: Mapping[str, datetime] | None = None,
    policies: Policies | None = None,
    beside: Mapping[str, Sequence[Document]] | None = None,
    given: frozenset[str] = frozenset(),
) -> World:
    references = {Reference(one.kind, one.natural_key): one for one in known}
    others = {key: papers(*documents) for key, documents in (beside or {}).items()}
    return World(now, references, watermarks or {}, policies or Policies(), others, given)
