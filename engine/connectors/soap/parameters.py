"""What an operation is called with: parameters out of a document. And what a written call is."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from engine.core.errors import DestinationError
from engine.protocols.soap.names import Version


class Written(NamedTuple):
    """The body's element, and how it is sent."""

    payload: bytes
    headers: tuple[str, ...]
    version: Version
    action: str


def parameters_of(
    document: Any, mapping: dict[str, str], binary: frozenset[str], decode: Callable[[str], bytes | str]
) -> dict[str, Any]:
    """What the operation takes: the document's own fields, or those that `mapping` names.

    Raises:
        DestinationError: the document is no object, or a binary value is no base64; names the path.
    """
    if not isinstance(document, dict):
        raise DestinationError("the document is no object", where="the document's root")
    chosen: dict[str, Any] = {} if mapping else _copied(document)
    for parameter, path in mapping.items():
        value = _at(document, path)
        if value is not None:
            _put(chosen, parameter, _copied(value))
    for parameter in binary:
        _make_binary(chosen, parameter, decode)
    return chosen


def _copied(value: Any) -> Any:
    """Values of XML types that are no text in JSON stay as they are; nothing becomes a float."""
    if isinstance(value, dict):
        return {name: _copied(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_copied(one) for one in value]
    return value if isinstance(value, str | int | bool | Decimal | bytes) else str(value)


def _at(document: Any, path: str) -> Any:
    value = document
    for step in path.split("."):
        if isinstance(value, list) and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _put(chosen: dict[str, Any], parameter: str, value: Any) -> None:
    *above, last = parameter.split(".")
    here = chosen
    for step in above:
        inner = here.setdefault(step, {})
        if not isinstance(inner, dict):
            raise DestinationError("a part of a parameter that is a value", where=parameter)
        here = inner
    here[last] = value


def _make_binary(chosen: Any, parameter: str, decode: Callable[[str], bytes | str]) -> None:
    """In each item of a list too."""
    first, _, rest = parameter.partition(".")
    for one in chosen if isinstance(chosen, list) else [chosen]:
        if not isinstance(one, dict) or one.get(first) is None:
            continue
        if rest:
            _make_binary(one[first], rest, decode)
            continue
        try:
            one[first] = decode(one[first])
        except (TypeError, ValueError, AttributeError):
            raise DestinationError("not base64, and no file kept beside the message", where=parameter) from None
