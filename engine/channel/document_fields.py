"""Field paths of canonical documents (`total.amount`, `lines.0.item_number`), checked against their models."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any

from pydantic import BaseModel

from engine.canonical import Document


def required_fields(kind: type[Document]) -> list[str]:
    return [name for name, field in kind.model_fields.items() if field.is_required()]


def has_field(kind: type[BaseModel], path: str) -> bool:
    """Whether a document of this kind can have something at the path; computed fields (`total`) count."""
    current: Any = kind
    for step in path.split("."):
        current = _step(current, step)
        if current is None:
            return False
    return True


def _step(current: Any, step: str) -> Any:
    current = _plain(current)
    if typing.get_origin(current) is tuple:
        return typing.get_args(current)[0] if step.isdigit() else None
    if not (isinstance(current, type) and issubclass(current, BaseModel)):
        return None
    field = current.model_fields.get(step)
    if field is not None:
        return field.annotation
    attribute = inspect.getattr_static(current, step, None)
    if isinstance(attribute, property) and attribute.fget is not None:
        return typing.get_type_hints(attribute.fget).get("return")
    return None


def _plain(annotation: Any) -> Any:
    """Without `| None` and `Annotated`."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        parts = [part for part in typing.get_args(annotation) if part is not type(None)]
        return _plain(parts[0])
    if typing.get_origin(annotation) is typing.Annotated:
        return _plain(typing.get_args(annotation)[0])
    return annotation
