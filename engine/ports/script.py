"""What the flow hands to worker processes and gets back. Only bytes and plain values cross: never pickled objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

import msgspec

from engine.ports.connector import Reason
from engine.ports.journal import NewDocument
from engine.ports.states import MessageState

CLAIM, REPEATED = "claim", "repeated"
"""Attribute that the flow sets: the ledger has seen this X12 control number from this partner before."""


class Limits(msgspec.Struct, frozen=True):
    """Per message. A script over a limit costs its own message only."""

    seconds: float = 5.0
    memory_bytes: int = 256 * 1024 * 1024

    @property
    def time(self) -> timedelta:
        return timedelta(seconds=self.seconds)


class Program(msgspec.Struct, frozen=True):
    """One revision of a channel, as a worker needs it. Everything is text or data: workers read no files.

    Args:
        key: `channel@revision`.
        format: how to parse the body: `hl7v2`, `x12`, `fhir`, `json`, `xml`, `delimited`, `fixed_width`, `excel`
            or `bytes`.
        accept: message types (`["OMS^O05"]`), empty: all.
        filter: one safe expression, or None (see engine/channel/expression.py).
        index: business key name to path.
        script_name: file name shown in errors; `script` its text, None for `map:` or pass-through.
        map: flat mapping for channels without script: {kind, fields: {target: source path}}.
        lookups: parameter name to crosswalk table; dated_lookups: of codes whose value holds from a day to a day
            (ISO text or None), the values, oldest first.
        destinations: name to `{send: kind or None, order_by: field or path or None, when: expression or None}`.
        charset, zone: the channel's overrides for HL7.
        layout: of delimited, fixed_width and excel, as JSON; namespaces: of xml, by prefix; ignore_doctype: of xml.
    """

    key: str
    channel: str
    format: str
    accept: Sequence[str] = ()
    filter: str | None = None
    index: Mapping[str, str] = {}
    script_name: str | None = None
    script: str | None = None
    map: Mapping[str, object] | None = None
    lookups: Mapping[str, Mapping[str, str]] = {}
    destinations: Mapping[str, Mapping[str, str | None]] = {}
    charset: str | None = None
    zone: str = "UTC"
    settings: Mapping[str, str] = {}
    layout: str | None = None
    namespaces: Mapping[str, str] = {}
    dated_lookups: Mapping[str, Mapping[str, Sequence[tuple[str | None, str | None, str]]]] = {}
    ignore_doctype: bool = False


class WorkItem(msgspec.Struct, frozen=True, array_like=True):
    message_id: int
    program: str
    body: bytes
    message_type: str | None = None
    attributes: Mapping[str, str] = {}


class Route(msgspec.Struct, frozen=True, array_like=True):
    """One delivery wished for: which document goes to which destination, in which order, under which key."""

    destination: str
    document: int
    order_key: str | None
    idempotency_key: str


class WorkResult(msgspec.Struct, frozen=True, array_like=True):
    """`state` is QUEUED, TRANSFORMED, FILTERED, REFUSED or HELD. `micros` is the time the message took."""

    message_id: int
    state: MessageState
    reason: Reason | None = None
    documents: Sequence[NewDocument] = ()
    routes: Sequence[Route] = ()
    keys: Sequence[tuple[str, str]] = ()
    micros: int = 0


class ScriptPool(Protocol):
    """Runs messages through their programs in worker processes."""

    def define(self, program: Program, limits: Limits) -> None:
        """Make a revision known."""
        ...

    def submit(self, channel: str, items: list[WorkItem], done: Callable[[Sequence[WorkResult]], None]) -> None:
        """Run items of one channel in order; `done` is called on the loop, in order, until every item has a result."""
        ...
