"""The stages of one message, as data: what `trace` prints and what `--json` gives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from engine.channel.model import ChannelModel, DestinationModel
from engine.channel.site import Site
from engine.cli.dry_doors import dry_context
from engine.cli.dry_run import DryRun, dry_run, read_input
from engine.connectors.formats import encoder
from engine.core.errors import IsthmusError
from engine.ports.connector import Outbound, Reason
from engine.ports.journal import NewDocument
from engine.ports.states import MessageState

Outcome = Literal["done", "stopped", "skipped"]


class Stage(msgspec.Struct, frozen=True):
    """`facts` are short name and value; `body` is what a person reads: segments, a document, bytes to send."""

    name: str
    outcome: Outcome
    text: str
    facts: dict[str, Any] = {}
    body: str | None = None


class Traced(msgspec.Struct, frozen=True):
    channel: str
    file: str
    state: MessageState
    reason: Reason | None
    stages: tuple[Stage, ...]
    micros: int

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data | {"state": self.state.name}


def trace(site: Site, channel: ChannelModel, file: Path) -> list[Traced]:
    """Each message in the file."""
    return [_traced(site, channel, file.name, run) for run in dry_run(site, channel, read_input(file))]


def _traced(site: Site, channel: ChannelModel, file: str, run: DryRun) -> Traced:
    stages = tuple(_Stages(site, channel, run).all())
    return Traced(channel.channel, file, run.result.state, run.result.reason, stages, run.result.micros)


class _Stages:
    def __init__(self, site: Site, channel: ChannelModel, run: DryRun) -> None:
        self.site, self.channel, self.run, self.result = site, channel, run, run.result
        self.body = run.received.body
        self.format = run.program.format if run.program else "bytes"
        self.refused = self.result.state is MessageState.REFUSED

    def all(self) -> Iterator[Stage]:
        yield self._received()
        yield self._accept()
        if self.run.compiled is None:
            return
        if not self.refused:
            yield self._index()
            yield self._filter()
            yield self._transform()
        # An X12 interchange is answered also when it is refused or held.
        if self.result.documents:
            yield from self._documents()
            yield self._routes()
            yield from self._sends()

    def _received(self) -> Stage:
        facts = {"bytes": len(self.body), "format": self.format} | _heading(self.format, self.body)
        return Stage("received", "done", f"{len(self.body):,} bytes of {self.format}", facts, _readable(self.body))

    def _accept(self) -> Stage:
        kind = self.run.received.message_type
        facts = {"type": kind, "accepts": list(self.channel.accept)} | dict(self.run.received.attributes)
        if self.refused or self.run.program is None:
            return Stage("accept", "stopped", _words(self.result.reason), facts)
        accepts = ", ".join(self.channel.accept) or "everything"
        return Stage("accept", "done", f"{kind or 'no message type'}; this channel takes {accepts}", facts)

    def _index(self) -> Stage:
        keys = [
            {"name": name, "value": value, "path": self.channel.index.get(name)} for name, value in self.result.keys
        ]
        missing = [name for name in self.channel.index if name not in {k["name"] for k in keys}]
        text = f"{len(keys)} business keys" + (f"; nothing at: {', '.join(missing)}" if missing else "")
        return Stage("index", "done" if self.channel.index else "skipped", text, {"keys": keys})

    def _filter(self) -> Stage:
        text = self.channel.filter
        if text is None:
            return Stage("filter", "skipped", "the channel has no filter")
        reason = self.result.reason
        if self.result.state is MessageState.FILTERED and reason is not None and "filter is false" in reason.text:
            return Stage("filter", "stopped", f"false, so the message is FILTERED: {text}", {"expression": text})
        return Stage("filter", "done", f"true: {text}", {"expression": text})

    def _transform(self) -> Stage:
        name, state = self.channel.transform, self.result.state
        made = len(self.result.documents)
        facts: dict[str, Any] = {"script": name, "microseconds": self.result.micros, "documents": made}
        if state is MessageState.HELD:
            reason = self.result.reason
            facts |= {"code": reason.code, "where": reason.where} if reason else {}
            return Stage("transform", "stopped", _words(reason), facts)
        if state is MessageState.FILTERED:
            return Stage("transform", "stopped", f"FILTERED: {_words(self.result.reason)}", facts)
        how = (
            f"transforms/{name}.py"
            if name
            else "map"
            if self.channel.map
            else "no transform: the message goes on as it is"
        )
        return Stage("transform", "done", f"{how}: {made} document{'s' * (made != 1)}, {self.result.micros} µs", facts)

    def _documents(self) -> Iterator[Stage]:
        for document in self.result.documents:
            name = document.kind or "message"
            key = f" {document.natural_key}" if document.natural_key else ""
            facts = {"kind": document.kind, "natural_key": document.natural_key, "position": document.position}
            yield Stage("document", "done", f"{document.position + 1}. {name}{key}", facts, _content(document))

    def _routes(self) -> Stage:
        routes = [
            {"destination": r.destination, "document": r.document + 1, "order_key": r.order_key}
            for r in self.result.routes
        ]
        text = f"{len(routes)} deliveries" if routes else "nothing goes anywhere"
        return Stage("routes", "done" if routes else "skipped", text, {"routes": routes})

    def _sends(self) -> Iterator[Stage]:
        named = {destination.name: destination for destination in self.channel.destinations}
        documents = {document.position: document for document in self.result.documents}
        for route in self.result.routes:
            destination, document = named[route.destination], documents[route.document]
            target = _target(destination)
            what = document.kind or "the message"
            text = f"{route.destination} would send {what} to {destination.type} {target}".rstrip()
            facts = {
                "destination": route.destination,
                "type": destination.type,
                "kind": document.kind,
                "idempotency_key": route.idempotency_key,
                "order_key": route.order_key,
                "bytes": len(document.body),
                "settings": destination.settings,
            }
            yield Stage("send", "done", text, facts, self._encoded(destination, document, route.idempotency_key))

    def _encoded(self, destination: DestinationModel, document: NewDocument, key: str) -> str | None:
        """What a file destination would write; other connectors send the document as shown."""
        format_name = str(destination.settings.get("format", "raw"))
        if destination.type != "file" or format_name not in ("x12", "json", "delimited", "fixed_width", "excel"):
            return None
        context = dry_context(self.site, self.channel, None, destination.layout)
        outbound = Outbound(
            0, 0, self.channel.channel, key, key, document.body, document.kind, document.natural_key,
            attributes=self.run.received.attributes,
        )  # fmt: skip
        try:
            encoded = asyncio.run(encoder(format_name, destination.settings, context).encode(outbound))
        except IsthmusError as error:
            return f"it could not be written: {error}"
        return _readable(encoded.body)


def _target(destination: DestinationModel) -> str:
    """Where it goes, in a word; never a secret."""
    for name in ("connection", "address", "url", "folder", "channel", "partner"):
        if isinstance(destination.settings.get(name), str):
            return str(destination.settings[name])
    return ""


def _heading(format_name: str, body: bytes) -> dict[str, Any]:
    if format_name != "hl7v2":
        return {}
    from engine.protocols.hl7v2 import Hl7Message

    try:
        message = Hl7Message.parse(body)
    except IsthmusError:
        return {}
    places = {"type": "MSH-9.1", "event": "MSH-9.2", "control_id": "MSH-10", "version": "MSH-12", "from": "MSH-4.1"}
    return {name: message.get(path) for name, path in places.items()}


def _content(document: NewDocument) -> str:
    if document.kind is None:
        return _readable(document.body)
    return json.dumps(json.loads(document.body), indent=2, ensure_ascii=False)


def _readable(body: bytes) -> str:
    text = body.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("~", "~\n").replace("~\n\n", "~\n").strip("\n") if text.startswith("ISA") else text.strip("\n")


def _words(reason: Reason | None) -> str:
    if reason is None:
        return ""
    place = f"{reason.where}: " if reason.where else ""
    remedy = f" ({reason.remedy})" if reason.remedy else ""
    return f"{reason.code} {place}{reason.text}{remedy}"
