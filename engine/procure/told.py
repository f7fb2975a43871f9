"""What a system tells of a document that it knows only part of: all else stays as it is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.canonical import Identifier, Value

MADE_BY: Mapping[str, str] = {"PurchaseOrder": "create_order"}
"""Documents that the process wished for itself, by the command: more is known of them than their system tells."""


def kept_of(before: Value, told: Value, fields: Sequence[str]) -> dict[str, Any]:
    """Values, by field, that are not as they were told: known from before, or put together of both.

    Args:
        fields: what the system knows of; `lines.price` is of a line. Lines that it leaves out are gone.
    """
    return dict(_kept(before, told, fields))


def _kept(before: Value, told: Value, fields: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for name in type(told).model_fields:
        old, new = getattr(before, name), getattr(told, name)
        inner = [one.partition(".")[2] for one in fields if one.startswith(f"{name}.")]
        if inner:
            yield name, tuple(_part(old, one, inner) for one in new)
        elif name not in fields:
            yield name, old
        elif numbers := _numbers(old, new):
            yield name, numbers


def _part(known: Sequence[Any], told: Any, fields: Sequence[str]) -> Any:
    """A line that is for another item now is another line: nothing is known of it from before."""
    before = next((one for one in known if _name(one) == _name(told)), None)
    if before is None:
        return told
    whole = {name: getattr(told, name) for name in type(told).model_fields}
    return type(told).model_validate({**whole, **kept_of(before, told, fields)})


def _name(part: Any) -> tuple[int, str | None]:
    return part.number, getattr(part, "item_number", None)


def _numbers(old: Any, new: Any) -> tuple[Identifier, ...]:
    """Identifiers of a scheme that the system does not use stay. Empty: these are no identifiers."""
    if not isinstance(old, tuple) or not all(isinstance(one, Identifier) for one in (*old, *new)):
        return ()
    schemes = {one.scheme for one in new}
    return (*new, *(one for one in old if one.scheme not in schemes))
