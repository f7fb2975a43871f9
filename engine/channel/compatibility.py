"""Whether a changed contract breaks those who rely on it. Contracts are JSON Schemas, as our models make them.

What we *send* must still be readable by who read the old form: nothing may go, nothing may get looser. New fields
are fine, because readers ignore what they do not know. What we *take* must still take what was good before:
nothing may be asked for anew, nothing may get tighter. Words (titles, descriptions, examples, defaults) never break.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec

Schema = Mapping[str, Any]
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_MAX_DEPTH = 25


class Direction(StrEnum):
    SENT = "sent"
    TAKEN = "taken"


class Change(msgspec.Struct, frozen=True):
    """One difference. `where` is a path (`lines[].price.amount`); `looser` says which way it goes."""

    where: str
    text: str
    breaking: bool


def changes(old: Schema, new: Schema, direction: Direction) -> list[Change]:
    """All differences between two schemas that matter to the other side, in the order of the old one's fields."""
    return list(_Comparison(old, new, direction).nodes(old, new, "", 0))


def breaking_changes(old: Schema, new: Schema, direction: Direction) -> list[Change]:
    return [change for change in changes(old, new, direction) if change.breaking]


class _Comparison:
    def __init__(self, old: Schema, new: Schema, direction: Direction) -> None:
        self._old, self._new = _definitions(old), _definitions(new)
        self._sent = direction is Direction.SENT

    def nodes(self, old: Schema, new: Schema, where: str, depth: int) -> Iterator[Change]:
        if depth > _MAX_DEPTH:
            return  # a schema that refers to itself was compared on the way down
        before, after = _plain(old, self._old), _plain(new, self._new)
        yield from self._types(before, after, where)
        yield from self._choices(before, after, where)
        yield from self._bounds(before, after, where)
        yield from self._forms(before, after, where)
        yield from self._properties(before, after, where, depth)
        for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
            if isinstance(before.get(key), dict) and isinstance(after.get(key), dict):
                yield from self.nodes(before[key], after[key], f"{where}{mark}", depth + 1)

    def _looser(self, where: str, text: str) -> Change:
        return Change(where or "the document", text, self._sent)

    def _tighter(self, where: str, text: str) -> Change:
        return Change(where or "the document", text, not self._sent)

    def _types(self, before: Schema, after: Schema, where: str) -> Iterator[Change]:
        old, new = _types_of(before), _types_of(after)
        if not old or not new:
            return
        added, gone = new - old, old - new
        if added and gone:
            yield Change(where, f"its type changes from {_words(old)} to {_words(new)}", True)
        elif added:
            yield self._looser(where, f"it may also be {_words(added)}")
        elif gone:
            yield self._tighter(where, f"it may no longer be {_words(gone)}")

    def _choices(self, before: Schema, after: Schema, where: str) -> Iterator[Change]:
        old, new = _choices_of(before), _choices_of(after)
        if old is None and new is None:
            return
        if old is None:
            yield self._tighter(where, "only certain values are left")
        elif new is None:
            yield self._looser(where, "any value may come")
        else:
            if new - old:
                yield self._looser(where, f"new values: {_words(new - old)}")
            if old - new:
                yield self._tighter(where, f"values that are gone: {_words(old - new)}")

    def _bounds(self, before: Schema, after: Schema, where: str) -> Iterator[Change]:
        for names, sign in ((_LOWER, 1), (_UPPER, -1)):
            for name in names:
                old, new = before.get(name), after.get(name)
                if old == new:
                    continue
                tighter = old is None or (new is not None and (new - old) * sign > 0)
                text = f"{name} changes from {old} to {new}"
                yield self._tighter(where, text) if tighter else self._looser(where, text)

    def _forms(self, before: Schema, after: Schema, where: str) -> Iterator[Change]:
        for name in ("pattern", "format"):
            old, new = before.get(name), after.get(name)
            if old == new:
                continue
            if old is None:
                yield self._tighter(where, f"a {name} is asked for")
            elif new is None:
                yield self._looser(where, f"no {name} is kept to any more")
            else:  # which of two patterns takes more cannot be told
                yield Change(where, f"its {name} changes", True)

    def _properties(self, before: Schema, after: Schema, where: str, depth: int) -> Iterator[Change]:
        old, new = before.get("properties", {}), after.get("properties", {})
        asked_before, asked_now = set(before.get("required", ())), set(after.get("required", ()))
        for name, node in old.items():
            place = f"{where}.{name}" if where else name
            if name not in new:
                yield Change(place, "it is gone", True)
                continue
            if name in asked_before and name not in asked_now:
                yield self._looser(place, "it may be left out")
            if name in asked_now and name not in asked_before:
                yield self._tighter(place, "it must be given")
            yield from self.nodes(node, new[name], place, depth + 1)
        for name in new.keys() - old.keys():
            place = f"{where}.{name}" if where else name
            must = name in asked_now
            yield Change(place, "it is new and must be given" if must else "it is new", must and not self._sent)


# ------------------------------------------------------------------ reading schemas
def _definitions(schema: Schema) -> Schema:
    return {**schema.get("$defs", {}), **schema.get("definitions", {})}


def _plain(node: Schema, definitions: Schema) -> Schema:
    """Without references, and with `X or null` as one node of two types."""
    seen = 0
    while "$ref" in node and seen < _MAX_DEPTH:
        node, seen = definitions.get(str(node["$ref"]).rpartition("/")[2], {}), seen + 1
    parts = [_plain(part, definitions) for part in node.get("anyOf", ())]
    solid = [part for part in parts if part.get("type") != "null"]
    if not parts:
        return node
    merged = dict(solid[0]) if len(solid) == 1 else {}
    types = set().union(*(_types_of(part) for part in parts))
    return {**merged, "type": sorted(types)}


def _types_of(node: Schema) -> set[str]:
    kind = node.get("type")
    return set(kind) if isinstance(kind, list) else {str(kind)} if kind else set()


def _choices_of(node: Schema) -> set[str] | None:
    values = node.get("enum", [node["const"]] if "const" in node else None)
    return {str(value) for value in values} if values is not None else None


def _words(values: set[str]) -> str:
    return ", ".join(sorted(values))
