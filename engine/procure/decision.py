"""What a decider is given and what it gives back: values only."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from engine.canonical import Document, Money
from engine.ports.procure import Reference
from engine.procure.papers import Papers

D = TypeVar("D", bound=Document)
T = TypeVar("T")
DOSSIER = "dossier"  # kind of a reference to all of a dossier


class Finding(msgspec.Struct, frozen=True):
    """An exception as a decider finds it; who owns it and when it is due follows from the policies.

    Args:
        type: `price_above_tolerance`, `quantity_not_received` … the page and the policies know it by this name.
        place: within the dossier: an invoice's key and line. With the type it makes the case's id.
        money: at stake, when it is known.
        owner: role or person, when it is known who decides; else the policies say.
        flip: the smallest change that would have decided otherwise, in words for people.
        facts: inputs and rule, for the page; numbers, codes and places, never a patient.
    """

    type: str
    place: str
    title: str
    money: Money | None = None
    supplier: str | None = None
    facility: str | None = None
    department: str | None = None
    category: str | None = None
    urgency: str | None = None
    due_by: datetime | None = None
    owner: str | None = None
    flip: str = ""
    facts: Mapping[str, Any] = {}


class Intent(msgspec.Struct, frozen=True):
    """Something to be done outside, once: `what` names it for this document (`post_invoice`)."""

    what: str
    document: Document
    detail: str = ""

    @property
    def key(self) -> str:
        return f"{self.what}:{self.document.natural_key}" + (f":{self.detail}" if self.detail else "")


class Decision(msgspec.Struct, frozen=True):
    """What follows from a dossier. `state` is shown and measured; JSON values only, amounts as text."""

    state: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()
    intents: tuple[Intent, ...] = ()
    look_again_at: datetime | None = None


class World:
    """What a decision may look at beside its dossier. What it asked for is remembered: when that changes, it is
    decided anew.

    Args:
        now: of the decision; deciders have no clock.
        known: references that were looked up; None: nobody told of it yet.
        watermarks: source to the time up to which it has told everything.
        beside: other dossiers that were read, by their keys.
        given: keys of the commands that were given for this dossier; they are not taken back.
    """

    def __init__(
        self,
        now: datetime,
        known: Mapping[Reference, Document | None],
        watermarks: Mapping[str, datetime],
        policies: Any,
        beside: Mapping[str, Papers] | None = None,
        given: frozenset[str] = frozenset(),
    ) -> None:
        self.now, self.watermarks, self.policies = now, watermarks, policies
        self._known, self._beside = known, {} if beside is None else beside
        self.given = given
        self.asked: set[Reference] = set()
        self._made: dict[Hashable, Any] = {}

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        """What follows from what this world shows is worked out once, however many parts of a decision ask for it."""
        if what not in self._made:
            self._made[what] = make()
        found: T = self._made[what]
        return found

    def find(self, kind: type[D], key: str) -> D | None:
        """The newest version of a document of another dossier; None: nobody told of it yet."""
        reference = Reference(kind.kind, key)
        self.asked.add(reference)
        found = self._known.get(reference)
        return found if isinstance(found, kind) else None

    def papers(self, dossier: str) -> Papers:
        """All documents of another dossier, with who brought them; none when nothing is known of it."""
        self.asked.add(Reference(DOSSIER, dossier))
        return self._beside.get(dossier) or Papers(())

    @property
    def missing(self) -> set[Reference]:
        """Asked for and not among what was given: the caller looks them up and decides once more."""
        return {
            one
            for one in self.asked
            if one not in self._known and not (one.kind == DOSSIER and one.key in self._beside)
        }


def text_of(amount: Decimal) -> str:
    """For `state` and `facts`: exact, without an exponent."""
    return format(amount, "f")


def merge(*decisions: Decision) -> Decision:
    """One decision of several about the same dossier: states side by side, the later one's where both have a name."""
    state: dict[str, Any] = {}
    for one in decisions:
        state |= one.state
    looks = [one.look_again_at for one in decisions if one.look_again_at is not None]
    return Decision(
        state,
        tuple(finding for one in decisions for finding in one.findings),
        tuple({intent.key: intent for one in decisions for intent in one.intents}.values()),
        min(looks, default=None),
    )
