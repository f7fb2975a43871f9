"""What a request asks of the server, told by its method and path alone, before a byte of its body is read.

Source: https://hl7.org/fhir/R5/http.html, summary table.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from engine.protocols.fhir.version import is_id, is_type

Interaction = Literal["create", "update", "bundle", "message", "metadata", "smart", "read", "vread", "search"]
_version = re.compile(r'(?:W/)?"([A-Za-z0-9\-.]{1,64})"').fullmatch


class Asked(msgspec.Struct, frozen=True):
    """An interaction and what it is about."""

    interaction: Interaction
    type: str = ""
    id: str = ""
    version: str = ""


class NotServedError(ValueError):
    """Neither this path nor this method is served. `allow`: the methods that this path takes."""

    def __init__(self, text: str, allow: str = "") -> None:
        super().__init__(text)
        self.allow = allow


def asked(method: str, path: str, base: str, *, reads: bool = False) -> Asked:
    """Raises NotServedError, with the methods that the path does take. `reads`: reads and searches are served."""
    steps = _below(path, base)
    match steps, method:
        case ["metadata"], "GET" | "HEAD":
            return Asked("metadata")
        case [".well-known", "smart-configuration"], "GET" | "HEAD":
            return Asked("smart")
        case [], "POST":
            return Asked("bundle", "Bundle")
        case ["$process-message"], "POST":
            return Asked("message", "Bundle")
        case [kind], "GET" | "HEAD" if reads and is_type(kind):
            return Asked("search", kind)
        case [kind, "_search"], "POST" if reads and is_type(kind):
            return Asked("search", kind)
        case [kind, id_], "GET" | "HEAD" if reads and is_type(kind) and is_id(id_):
            return Asked("read", kind, id_)
        case [kind, id_, "_history", version], "GET" | "HEAD" if (
            reads and is_type(kind) and is_id(id_) and is_id(version)
        ):
            return Asked("vread", kind, id_, version)
        case [kind], "POST" if is_type(kind):
            return Asked("create", kind)
        case [kind, id_], "PUT" if is_type(kind) and is_id(id_):
            return Asked("update", kind, id_)
    raise NotServedError("this interaction is not served", _allowed(steps, reads))


def _below(path: str, base: str) -> list[str]:
    base = base.rstrip("/")
    if path != base and not path.startswith(f"{base}/"):
        raise NotServedError("unknown path")
    return [step for step in path[len(base) :].split("/") if step]


def _allowed(steps: list[str], reads: bool) -> str:
    match steps:
        case ["metadata"] | [".well-known", "smart-configuration"]:
            return "GET"
        case [] | ["$process-message"]:
            return "POST"
        case [kind] if is_type(kind):
            return "POST, GET" if reads else "POST"
        case [kind, "_search"] if reads and is_type(kind):
            return "POST"
        case [kind, id_] if is_type(kind) and is_id(id_):
            return "PUT, GET" if reads else "PUT"
        case [kind, id_, "_history", _] if reads and is_type(kind) and is_id(id_):
            return "GET"
    return ""


def version_of(if_match: str) -> str | None:
    """The version id in `If-Match: W/"3"`; None when it is written otherwise."""
    found = _version(if_match.strip())
    return found[1] if found else None
