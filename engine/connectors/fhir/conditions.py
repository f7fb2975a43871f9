"""Conditions of a create or an update, held against what the channel took in: `If-None-Exist` and `If-Match`.

Only a server that may look at what it took in (`search: true`) can tell. Whatever a repeat is told by goes before: the
same update sent twice is the same message, not a version that has gone by.

Source: https://hl7.org/fhir/R5/http.html#concurrency, #ccreate.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from engine.connectors.fhir.answers import Taken, known_as
from engine.connectors.fhir.query import QueryError, Wanted, wanted
from engine.connectors.fhir.reading import Reader
from engine.connectors.http.source import Refused
from engine.protocols.fhir.resource import Tree

_ENOUGH = "2"  # matches: whether there are more makes no difference


async def match_of_create(reader: Reader, who: str, kind: str, condition: str | None, base: str) -> Taken | None:
    """The answer when one resource matches already, which leaves it as it is; None when the create goes on.

    A condition on what this channel does not search by is left to the repeats alone.

    Raises:
        Refused: 412, several match.
    """
    sought = _sought(condition, reader)
    if sought is None:
        return None
    found: Tree = await reader.search(who, kind, sought)
    matches = found.get("entry", [])
    if len(matches) > 1:
        raise Refused(412, "several resources match If-None-Exist: it tells nobody which is meant")
    if not matches:
        return None
    resource = matches[0]["resource"]
    return known_as(f"{base.rstrip('/')}/{kind}/{resource['id']}", resource["meta"]["versionId"])


def _sought(condition: str | None, reader: Reader) -> Wanted | None:
    parameters = parse_qsl((condition or "").lstrip("?"), keep_blank_values=True, max_num_fields=100)
    if not parameters:
        return None
    try:
        return wanted([*parameters, ("_count", _ENOUGH)], reader.index)
    except QueryError:
        return None


async def check_version(reader: Reader, kind: str, id_: str, version: str) -> None:
    """Nothing when `version` is the newest of the resource, or the update that names it was taken in before.

    Raises:
        Refused: 412, it is not: somebody else was first, or it never was a version here.
    """
    newest = await reader.newest_version(kind, id_, version)
    if newest != version and not await reader.was_updated(kind, id_, version):
        raise Refused(412, "If-Match does not name the resource's newest version; read it, and update that one")
