"""Which elements of a type repeat and what they hold: what XML leaves out and JSON needs. R4B stands in for R4."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

import msgspec

from engine.protocols.fhir.version import Version

Kind = Literal["text", "decimal", "integer", "boolean", "xhtml", "resource", "complex"]
_LETTERS: dict[str, Kind] = {
    "t": "text", "d": "decimal", "i": "integer", "b": "boolean", "x": "xhtml", "r": "resource", "c": "complex",
}  # fmt: skip


class Shape(msgspec.Struct, frozen=True):
    """Of one element. `type` names what a complex one is."""

    kind: Kind
    repeats: bool = False
    type: str = ""


@lru_cache(maxsize=4096)
def shapes(version: Version, type_name: str) -> dict[str, Shape] | None:
    """By element name; None: this version has no such type."""
    from engine.protocols.fhir.definitions import DEFINITIONS  # half a megabyte, and few bodies are XML

    found = DEFINITIONS["R5" if version == "R5" else "R4"].get(type_name)
    return None if found is None else {name: _shape(text) for name, text in found.items()}


def _shape(text: str) -> Shape:
    rest = text[1:].removeprefix("*")
    return Shape(_LETTERS[text[0]], text[1:2] == "*", rest)


def model_of(version: Version, resource_type: str) -> Any:
    """The library's model class of a resource type, for validation; None: this version has no such resource."""
    if "implicitRules" not in (shapes(version, resource_type) or {}):
        return None
    package = "fhir.resources" if version == "R5" else "fhir.resources.R4B"
    try:
        return import_module(package).get_fhir_model_class(resource_type)
    except (ValueError, LookupError, ImportError, AttributeError):
        return None
