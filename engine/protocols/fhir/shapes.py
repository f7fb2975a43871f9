"""Which elements of a type repeat and what they hold: what XML leaves out and JSON needs. R4B stands in for R4.

Read once for each type from the definitions that fhir.resources carries.
"""

from __future__ import annotations

import typing
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

import msgspec

from engine.protocols.fhir.version import Version

Kind = Literal["text", "decimal", "integer", "boolean", "xhtml", "resource", "complex"]
_PRIMITIVES: dict[str, Kind] = {
    "Decimal": "decimal", "Integer": "integer", "UnsignedInt": "integer", "PositiveInt": "integer",
    "Boolean": "boolean", "Xhtml": "xhtml",
}  # fmt: skip


class Shape(msgspec.Struct, frozen=True):
    """Of one element. `type` names what a complex one is."""

    kind: Kind
    repeats: bool = False
    type: str = ""


@lru_cache(maxsize=4096)
def shapes(version: Version, type_name: str) -> dict[str, Shape] | None:
    """By element name; None: this version has no such type."""
    model = _model(version, type_name)
    if model is None:
        return None
    fields = {field.alias or name: field for name, field in model.model_fields.items() if not name.endswith("__ext")}
    return {name: _shape(field.annotation, field.metadata) for name, field in fields.items()}


def _model(version: Version, type_name: str) -> Any:
    package = "fhir.resources" if version == "R5" else "fhir.resources.R4B"
    try:
        return import_module(package).get_fhir_model_class(type_name)
    except (ValueError, LookupError, ImportError, AttributeError):
        return None


def model_of(version: Version, resource_type: str) -> Any:
    """The model class of a resource type, for validation; None: this version has no such resource."""
    model = _model(version, resource_type)
    named = shapes(version, resource_type) if model is not None else None
    return model if named is not None and "implicitRules" in named else None


def _shape(annotation: Any, metadata: list[Any]) -> Shape:
    repeats = False
    while (arguments := typing.get_args(annotation)) and not _name(annotation):
        origin = typing.get_origin(annotation)
        repeats = repeats or origin is list
        metadata = list(getattr(annotation, "__metadata__", metadata))
        annotation = next(one for one in arguments if one is not type(None))
    name = _name(annotation)
    if name == "Resource":
        return Shape("resource", repeats)
    if name:
        return Shape("complex", repeats, name)
    marks = [type(one).__name__ for one in metadata]
    if annotation is bool:
        return Shape("boolean", repeats)
    return Shape(next((_PRIMITIVES[mark] for mark in marks if mark in _PRIMITIVES), "text"), repeats)


def _name(annotation: Any) -> str:
    name = getattr(annotation, "__name__", "")
    is_element = getattr(annotation, "__module__", "") == "abc" and name.endswith("Type")
    return name.removesuffix("Type") if is_element else ""
