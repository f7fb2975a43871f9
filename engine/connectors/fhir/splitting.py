"""A file or body with FHIR in it: one resource, one message, known by its type and its version."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.core.errors import MessageError, StructureError
from engine.ports.connector import ConnectorContext, Reason, Received
from engine.protocols.fhir.resource import read_head, unmarked
from engine.protocols.fhir.version import is_type

_ROOT = re.compile(rb"<\s*(?:[A-Za-z_][\w.-]*:)?([A-Z][A-Za-z]{1,63})[\s/>]")


class FhirSplitter:
    """Bundles stay whole: what belongs together is transformed together."""

    def __init__(self, context: ConnectorContext) -> None:
        pass

    def split(self, data: bytes, attributes: Mapping[str, str]) -> list[Received]:
        try:
            kind, natural_id = _named(unmarked(data))
        except MessageError as error:
            refusal = Reason(error.code, error.what, error.where, error.remedy)
            return [Received(data, attributes=attributes, refusal=refusal)]
        return [Received(data, natural_id, kind, attributes=attributes)]


def _named(body: bytes) -> tuple[str, str | None]:
    """Type, and `Type/id/version` when it says both. Of XML the type alone."""
    if body.lstrip()[:1] != b"<":
        head = read_head(body)
        version = head.version_id
        natural_id = f"{head.resourceType}/{head.id}/{version}" if head.id and version else None
        return head.resourceType, natural_id if natural_id is None or len(natural_id) <= 200 else None
    found = _ROOT.search(body[:4096])
    if found is None or not is_type(kind := found[1].decode()):
        raise StructureError("not a FHIR resource", where="the root element")
    return kind, None
