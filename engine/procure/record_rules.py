"""Systems of record: what a system that does not own a field writes there is refused, left out or raised.

A master that several systems write is made field by field: each field as the system that owns it said it last. So it
is the same in whatever order the systems told. Source: survivorship rules of master data management.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from pydantic.fields import FieldInfo

from engine.canonical import Document
from engine.channel.policy_records import FieldOwner, RecordRules
from engine.procure.decision import Finding
from engine.procure.told import kept_of

D = TypeVar("D", bound=Document)
FINDING = "written_by_non_owner"


class Intrusion(msgspec.Struct, frozen=True, order=True):
    """A system wrote a field that others own. The values are not told: they may be secret."""

    field: str
    system: str
    owner: tuple[str, ...]
    otherwise: str

    def finding(self, key: str) -> Finding:
        owners = " or ".join(self.owner)
        return Finding(
            FINDING,
            f"{key}/{self.field}/{self.system}",
            f"{self.system} says otherwise than {owners} in {self.field}",
            flip=f"{owners} writes the same, or {self.system} becomes an owner of {self.field}",
            facts={"field": self.field, "system": self.system, "owner": list(self.owner), "policy": self.otherwise},
        )


class Write(msgspec.Struct, Generic[D], frozen=True):
    """A whole document as one system has it."""

    system: str
    document: D


class Outcome(msgspec.Struct, Generic[D], frozen=True):
    """`document` is what holds now; None: the write is refused."""

    document: D | None
    intrusions: tuple[Intrusion, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        if self.document is None:
            return ()
        key = self.document.natural_key
        return tuple(one.finding(key) for one in self.intrusions if one.otherwise == "raise")


def judge(rules: RecordRules, before: D | None, write: Write[D]) -> Outcome[D]:
    """One write against what holds: a new document may have any owner's required fields, for it must have some.

    Of fields that the system does not own, the values of before stay.
    """
    after = write.document
    intrusions, kept = [], {}
    for name, field in type(after).model_fields.items():
        rule = rules.rule_for(after.kind, name)
        if rule is None or write.system in rule.owner or (before is None and field.is_required()):
            continue
        held = _usual(field) if before is None else getattr(before, name)
        if getattr(after, name) != held:
            kept[name] = held
            intrusions.append(_intrusion(rule, name, write.system))
    if any(one.otherwise == "refuse" for one in intrusions):
        return Outcome(None, tuple(intrusions))
    return Outcome(_with(after, kept), tuple(intrusions))


def told_of(before: Document, told: D, fields: Sequence[str]) -> D:
    """What is known with only these fields as they were told: of all others the system knows nothing.

    `lines.price` is a field of a line.

    Raises:
        ValueError: old and new values do not go together.
    """
    return _with(told, kept_of(before, told, fields))


def survive(rules: RecordRules, writes: Sequence[Write[D]]) -> Outcome[D]:
    """One document out of what several systems say of it, each in the order of its own versions, oldest first.

    Raises:
        ValueError: there are no writes.
    """
    newest: dict[str, D] = {}
    for write in writes:
        newest.pop(write.system, None)
        newest[write.system] = write.document
    base = next(reversed(newest.values()), None)
    if base is None:
        raise ValueError("there is nothing to choose from")
    intrusions: list[Intrusion] = []
    chosen: dict[str, Any] = {}
    for name in type(base).model_fields:
        rule = rules.rule_for(base.kind, name)
        system = _teller(rule, newest)
        if rule is None or system is None:
            continue
        chosen[name] = getattr(newest[system], name)
        intrusions += _others(rule, name, newest, chosen[name])
    return Outcome(_with(base, chosen), tuple(sorted(intrusions)))


def refused(outcome: Outcome[D]) -> Iterator[Intrusion]:
    """Why nothing was taken."""
    return (one for one in outcome.intrusions if one.otherwise == "refuse")


def _teller(rule: FieldOwner | None, newest: dict[str, D]) -> str | None:
    """The first owner that has said anything; nobody: the last system of all stays right."""
    return next((system for system in (rule.owner if rule else ()) if system in newest), None)


def _others(rule: FieldOwner, name: str, newest: dict[str, D], held: Any) -> Iterable[Intrusion]:
    """Systems that say something else, and something at all: a system that leaves a field empty claims nothing."""
    for system, document in newest.items():
        value = getattr(document, name)
        if system not in rule.owner and value != held and value != _usual(type(document).model_fields[name]):
            yield _intrusion(rule, name, system)


def _intrusion(rule: FieldOwner, name: str, system: str) -> Intrusion:
    return Intrusion(f"{rule.kind}.{name}", system, rule.owner, rule.otherwise)


def _usual(field: FieldInfo) -> Any:
    return None if field.is_required() else field.get_default(call_default_factory=True)


def _with(document: D, values: dict[str, Any]) -> D:
    """Checked anew: kept and new values may not go together.

    Raises:
        ValueError: they do not.
    """
    if not values:
        return document
    whole = {name: getattr(document, name) for name in type(document).model_fields}
    return type(document).model_validate({**whole, **values})
