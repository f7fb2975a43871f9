"""What a system tells of a document that it knows only part of: all else stays as it is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.canonical import Identifier, ReceiptLine, Value
from engine.core.errors import RecordOwnerError

MADE_BY: Mapping[str, str] = {"PurchaseOrder": "create_order"}
"""Documents that the process wished for itself, by the command: more is known of them than their system tells."""
QUANTITY = "quantity"
INSPECTED = frozenset({"accepted", "rejected", "reject_reason"})
"""What an inspection found holds until another one tells otherwise: who tells nothing of it did not look."""


def kept_of(before: Value, told: Value, fields: Sequence[str]) -> dict[str, Any]:
    """Values, by field, that are not as they were told: known from before, or put together of both.

    Args:
        fields: what the system knows of; `lines.price` is of a line. Who tells the quantity of lines says which lines
            there are: those that it leaves out are gone. Who does not, adds to lines that are there.

    Raises:
        RecordOwnerError: it adds to a line that nobody told of.
    """
    return dict(_kept(before, told, fields))


def _kept(before: Value, told: Value, fields: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for name in type(told).model_fields:
        old, new = getattr(before, name), getattr(told, name)
        inner = [one.partition(".")[2] for one in fields if one.startswith(f"{name}.")]
        if inner:
            whole = QUANTITY in inner or not any(QUANTITY in type(one).model_fields for one in new)
            yield name, tuple(_part(old, one, inner) for one in new) if whole else _added(old, new, inner)
        elif name not in fields or (name in INSPECTED and new is None and isinstance(told, ReceiptLine)):
            yield name, old
        elif numbers := _numbers(old, new):
            yield name, numbers


def _part(known: Sequence[Any], told: Any, fields: Sequence[str]) -> Any:
    """A line that is for another item now is another line: nothing is known of it from before."""
    before = _known(known, told)
    return told if before is None else _together(before, told, fields)


def _together(before: Any, told: Any, fields: Sequence[str]) -> Any:
    whole = {name: getattr(told, name) for name in type(told).model_fields}
    return type(told).model_validate({**whole, **kept_of(before, told, fields)})


def _added(known: Sequence[Any], told: Sequence[Any], fields: Sequence[str]) -> tuple[Any, ...]:
    """Every known line, those of them with what was told of them."""
    found = {id(before): (before, one) for one in told if (before := _known(known, one)) is not None}
    if len(found) != len(told):
        raise RecordOwnerError(
            "it tells of a line that is not there, or twice of one", where="lines",
            remedy="whoever tells what lines there are tells this one, then it is sent again",
        )  # fmt: skip
    return tuple(_together(*found[id(one)], fields) if id(one) in found else one for one in known)


def _known(known: Sequence[Any], told: Any) -> Any:
    """The line that it is of: by its name; where only one of them names a lot or piece, the only one of that number."""
    exact = next((one for one in known if _name(one) == _name(told)), None)
    if exact is not None or hasattr(told, "number"):
        return exact
    near = [one for one in known if _name(one)[:2] == _name(told)[:2]]
    (only,) = near if len(near) == 1 else (None,)
    unnamed = (None, None)
    return only if only is not None and unnamed in (_name(only)[2:], _name(told)[2:]) else None


def _name(part: Any) -> tuple[Any, ...]:
    """Its number and item. What came for one line of an order may be several lots and pieces."""
    item = getattr(part, "item_number", None)
    if hasattr(part, "number"):
        return part.number, item
    return part.order_line_number, item, getattr(part, "lot", None), getattr(part, "serial", None)


def _numbers(old: Any, new: Any) -> tuple[Identifier, ...]:
    """Identifiers of a scheme that the system does not use stay. Empty: these are no identifiers."""
    if not isinstance(old, tuple) or not all(isinstance(one, Identifier) for one in (*old, *new)):
        return ()
    schemes = {one.scheme for one in new}
    return (*new, *(one for one in old if one.scheme not in schemes))
