"""An entry of the feed becomes CloudEvents, the same bytes whenever it is read.

The id follows from what happened: of a document from its origin and what is told of it, of a delivery from its
idempotency key. So a document that is made again by a replay is no second event, and a corrected one is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from pydantic import ValidationError

from engine.canonical import KINDS
from engine.canonical.base import Document
from engine.canonical.events import EventData, EventType, event_of, facts_of
from engine.connectors.events.settings import EventsSourceSettings
from engine.core.clock import from_micros
from engine.core.happenings import Happening
from engine.core.ids import id_text, id_time
from engine.ports.connector import Received
from engine.ports.feed import FedDocument, FeedEntry

MARK = "event"
"""Attribute of every message that is an event: what happens to those is no event, or they would never end."""

IsLedger = Callable[[str, str], bool]
"""Whether the destination of a channel is an ERP."""


class CloudEvents:
    """Makes events as one source's settings want them."""

    def __init__(self, settings: EventsSourceSettings, is_ledger: IsLedger) -> None:
        self._settings, self._is_ledger = settings, is_ledger

    def of(self, entry: FeedEntry) -> Iterator[Received]:
        """What is to be told of this entry; nothing of what is an event itself, or was told before."""
        if MARK in entry.attributes or (entry.delivery is not None and entry.delivery.repeated):
            return
        for told in entry.documents or (None,):
            received = self._event(entry, told)
            if received is not None:
                yield received

    def _event(self, entry: FeedEntry, told: FedDocument | None) -> Received | None:
        document = None if told is None else _document(told)
        plain = {} if document is None else document.model_dump(mode="json")
        ledger = entry.delivery is not None and self._is_ledger(entry.channel, entry.delivery.destination)
        event = event_of(told.kind if told else None, entry.what, ledger, plain)
        if event is None or not self._settings.wants(event.name):
            return None
        data = _data(entry, told, document)
        identity = _identity(entry, event, data)
        body = msgspec.json.encode(self._envelope(entry, event, told, identity, data))
        return Received(
            body,
            natural_id=identity,
            message_type=event.name,
            attributes={MARK: event.name, "from_message": id_text(entry.message_id)},
            correlation_id=entry.correlation_id,
        )

    def _envelope(
        self, entry: FeedEntry, event: EventType, told: FedDocument | None, identity: str, data: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": identity,
            "source": self._settings.source,
            "type": event.name,
            "subject": (told.natural_key if told else "") or id_text(entry.origin_id),
            "time": _when(entry).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "dataschema": f"{self._settings.schemas}:{event.name}:{event.version}"
            if self._settings.schemas.startswith("urn:")
            else f"{self._settings.schemas}/{event.name}.schema.json",
            "data": data,
        }


def _document(told: FedDocument) -> Document | None:
    """None: a kind that is no more, or as an older release made it; then the event tells its key alone."""
    model = KINDS.get(told.kind)
    if model is None:
        return None
    try:
        return model.model_validate_json(told.body)
    except ValidationError:
        return None


def _data(entry: FeedEntry, told: FedDocument | None, document: Document | None) -> dict[str, Any]:
    data = EventData(
        channel=entry.channel,
        message_id=id_text(entry.origin_id),
        kind=told.kind if told else None,
        key=(told.natural_key[:200] or None) if told else None,
        destination=entry.delivery.destination if entry.delivery else None,
        reference=((entry.delivery.reference or "").strip()[:200] or None) if entry.delivery else None,
        code=entry.code,
    )
    facts = None if document is None else facts_of(document)
    plain = data.model_dump(mode="json", exclude_none=True)
    return plain if facts is None else plain | {"document": facts.model_dump(mode="json", exclude_none=True)}


def _identity(entry: FeedEntry, event: EventType, data: dict[str, Any]) -> str:
    if entry.what is Happening.MADE:
        told = msgspec.json.encode([event.name, data])
        return f"{id_text(entry.origin_id)}.{blake2b(told, digest_size=12).hexdigest()}"
    if entry.what is Happening.DELIVERED and entry.delivery is not None:
        return f"{entry.delivery.idempotency_key}.delivered"
    about = entry.delivery.idempotency_key if entry.delivery else id_text(entry.message_id)
    return f"{about}.held.{entry.number}"  # may be held several times: each is an event


def _when(entry: FeedEntry) -> datetime:
    """Of what was made: when its message came in, which a replay does not change."""
    return id_time(entry.origin_id) if entry.what is Happening.MADE else from_micros(entry.at_micros)
