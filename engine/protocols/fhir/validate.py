"""A resource checked against its definition by fhir.resources. It reads only; what it makes of decimals is thrown away.

R4 is checked as R4B, which is near it for the resources of supply and money.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError

from engine.core.errors import StructureError
from engine.protocols.fhir.resource import Tree
from engine.protocols.fhir.shapes import model_of
from engine.protocols.fhir.version import Version

_is_name = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}").fullmatch


def validate(tree: Tree, version: Version, place: str = "") -> None:
    """Raises StructureError: the first thing that does not fit, by its place; never a value."""
    kind = str(tree.get("resourceType", ""))
    place = place or kind
    model = model_of(version, kind)
    if model is None:
        raise StructureError(f"not a resource of FHIR {version}", where="resourceType")
    try:
        model.model_validate(tree)
    except ValidationError as error:
        first, more = (
            error.errors(include_url=False, include_context=False, include_input=False)[0],
            error.error_count(),
        )
        words = first["type"].replace("_", " ").removeprefix("value error ")
        rest = f" (the first of {more} findings)" if more > 1 else ""
        raise StructureError(f"does not fit its definition: {words}{rest}", where=_place(place, first["loc"])) from None
    except (ValueError, TypeError, RecursionError, LookupError, AttributeError):  # the library's own slips
        raise StructureError("does not fit its definition", where=place) from None


def _place(root: str, location: tuple[Any, ...]) -> str:
    place = root
    for step in location:
        if isinstance(step, int):
            place += f"[{step}]"
        elif _is_name(str(step)):
            place += f".{step}"
    return place
