"""Contracts of business events beside the reference: a JSON Schema a type, and one AsyncAPI 3.0 document of them all.

Both come from the table in `engine.canonical.events`. Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import json
from typing import Any

from engine.canonical.events import EVENT_TYPES, EventType, data_model

FOLDER = "events"
Schema = dict[str, Any]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def event_files() -> dict[str, str]:
    """File name below docs/reference/ to text."""
    made = {f"{name}.schema.json": _text(schema) for name, schema in event_schemas().items()}
    return made | {f"{FOLDER}/asyncapi.json": _text(asyncapi())}


def event_schemas() -> dict[str, Schema]:
    """By path below docs/reference/, without its ending."""
    return {f"{FOLDER}/{one.name}": event_schema(one) for one in EVENT_TYPES}


def _text(content: Schema) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def event_schema(one: EventType) -> Schema:
    """The whole event, envelope and data. Readers ignore fields that they do not know: later versions add some."""
    data = _open(data_model(one).model_json_schema(mode="serialization"))
    definitions = data.pop("$defs", {})
    return {
        "$schema": _DIALECT,
        "title": one.name,
        "description": f"{one.title}.",
        "version": one.version,
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": _envelope(one) | {"data": data},
        "$defs": definitions,
    }


def _envelope(one: EventType) -> Schema:
    text = {"type": "string"}
    return {
        "specversion": {"const": "1.0"},
        "id": text | {"minLength": 1, "description": "The same whenever this event is sent: take each once."},
        "source": text | {"format": "uri-reference", "description": "The engine that tells it."},
        "type": {"const": one.name},
        "subject": text | {"description": "Key of the document; of a message without one its id."},
        "time": text | {"format": "date-time", "description": "When it happened; of a document, when it came in."},
        "datacontenttype": {"const": "application/json"},
        "dataschema": text | {"format": "uri"},
    }


def _open(node: Any) -> Any:
    """Without generated titles, and open to further fields."""
    if isinstance(node, list):
        return [_open(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key != "additionalProperties"}
    return {key: _open(value) for key, value in kept.items() if not (key == "title" and isinstance(value, str))}


def asyncapi() -> Schema:
    """Every event as a message of one channel: where it goes is decided by who deploys a channel for it."""
    names = [one.name for one in EVENT_TYPES]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Isthmus business events",
            "version": "1.0.0",
            "description": "What becomes of documents between clinical and business systems, as CloudEvents 1.0 in "
            "JSON. Webhooks carry the headers of Standard Webhooks; brokers carry the same body.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            "events": {
                "address": None,
                "title": "Events",
                "description": "A webhook, a topic, a queue or a file, as the channel's destinations say.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
            }
        },
        "operations": {
            "tell": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "summary": "Isthmus tells what happened.",
                "messages": [{"$ref": f"#/channels/events/messages/{name}"} for name in names],
            }
        },
        "components": {"messages": {one.name: _message(one) for one in EVENT_TYPES}},
    }


def _message(one: EventType) -> Schema:
    return {
        "name": one.name,
        "title": one.title,
        "contentType": "application/cloudevents+json",
        "headers": {
            "type": "object",
            "description": "Of webhooks: Standard Webhooks 1.0.0.",
            "properties": {
                name: {"type": "string"} for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
            },
        },
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./{one.name}.schema.json"},
        },
    }
