"""JSON Schemas for editors, made from the same models that the engine reads settings with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import cache, partial
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from engine.adapters.catalog import ADAPTERS, AdapterType
from engine.canonical import KINDS
from engine.channel.expectation import Expectation
from engine.channel.layout import Layout
from engine.channel.model import ChannelModel, DestinationModel, SourceModel
from engine.channel.partner import Partner
from engine.channel.policies import PARTS
from engine.channel.policy_parts import WorkTime
from engine.channel.settings import EngineSettings
from engine.channel.transport import TRANSPORTS
from engine.connectors.catalog import CATALOG
from engine.connectors.connections import CONNECTION_TYPES, ConnectionType
from engine.core.durations import format_duration, format_size
from engine.ports.catalog import ConnectorType
from engine.protocols.x12.answer import KIND as ACKNOWLEDGEMENT

Schema = dict[str, Any]
_DIALECT = "http://json-schema.org/draft-07/schema#"
FILES = {
    "channel": "channels/**/*.yaml",
    "engine": "config/engine.yaml",
    "connections": "config/connections.yaml",
    "partner": "config/partners/*.yaml",
    "layout": "config/layouts/*.yaml",
    "expect": "channels/**/expect.yaml",
    **{f"policy_{part}": f"config/policies/{part}.yaml" for part in PARTS},
}
"""Name of a schema to the files it is for."""


@cache
def schema(name: str) -> Schema:
    """One of `FILES`. Made once; not to be changed."""
    return _SCHEMAS[name]()


def _model_schema(model: type[BaseModel]) -> Schema:
    made = model.model_json_schema(ref_template="#/definitions/{model}", schema_generator=_AsWritten)
    written: Schema = _written(made)
    return written


class _AsWritten(GenerateJsonSchema):
    """Defaults as people write them: `5s`, not `PT5S`."""

    def encode_default(self, dft: Any) -> Any:
        written = isinstance(dft, timedelta | BaseModel | WorkTime)
        return _as_written(dft) if written else super().encode_default(dft)


def _as_written(value: Any) -> Any:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, WorkTime | Decimal):
        return str(value)
    return (
        {name: _as_written(getattr(value, name)) for name in type(value).model_fields}
        if isinstance(value, BaseModel)
        else value
    )


def _written(node: Any) -> Any:
    """Sizes with their unit, and no generated titles: they only repeat the key."""
    if isinstance(node, list):
        return [_written(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _written(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    if isinstance(made.get("default"), int) and "KiB" in str(made.get("pattern", "")):
        made["default"] = format_size(made["default"])
    return made


def _document(title: str, body: Schema, definitions: Schema) -> Schema:
    return {"$schema": _DIALECT, "title": title, **body, "definitions": definitions}


def _plain(title: str, model: type[BaseModel]) -> Schema:
    body = _model_schema(model)
    definitions = body.pop("$defs", {})
    return _document(title, body | {"title": title}, definitions)


def channel_schema() -> Schema:
    """A channel, its source and destinations told apart by `type:`, each with its connector's own settings."""
    body = _model_schema(ChannelModel)
    definitions: Schema = body.pop("$defs", {})
    source = _merged("source", SourceModel, CATALOG.sources.values(), definitions)
    destination = _merged("destination", DestinationModel, CATALOG.destinations.values(), definitions)
    definitions.pop("SourceModel", None)
    definitions.pop("DestinationModel", None)
    body["properties"]["source"] = source | {"description": "Where messages come from."}
    body["properties"]["destinations"] = {
        "type": "array",
        "items": destination,
        "description": "Where documents or messages go.",
    }
    send = definitions["destination_common"]["send"]
    send["anyOf"] = [{"enum": ["message", *sorted([*KINDS, ACKNOWLEDGEMENT])]}, {"type": "null"}]
    definitions.pop("source_common", None)
    definitions.pop("destination_common", None)
    return _document("Isthmus channel", body | {"title": "Isthmus channel"}, definitions)


def _merged(prefix: str, common: type[BaseModel], types: Iterable[ConnectorType], definitions: Schema) -> Schema:
    """Adds one definition a connector and returns the choice between them."""
    shared = _model_schema(common)
    definitions.update(shared.pop("$defs", {}))
    own = {name: field for name, field in shared["properties"].items() if name != "settings"}
    definitions[f"{prefix}_common"] = own
    choices = []
    names = []
    for entry in types:
        settings = _loaded(entry.load)
        if settings is None:
            continue
        name = f"{prefix}_{entry.name}"
        definitions[name] = _one(entry, settings, own, shared.get("required", []), definitions)
        names.append(entry.name)
        choices.append(
            {
                "if": {"properties": {"type": {"const": entry.name}}, "required": ["type"]},
                "then": {"$ref": f"#/definitions/{name}"},
            }
        )
    kind = own["type"] | {"enum": names}
    return {"type": "object", "required": ["type"], "properties": {"type": kind}, "allOf": choices}


def _one(entry: ConnectorType, settings: Schema, own: Schema, required: list[str], definitions: Schema) -> Schema:
    definitions.update(settings.pop("$defs", {}))
    reachable = entry.name in TRANSPORTS
    properties = {name: one for name, one in own.items() if reachable or name != "transport"}
    properties |= settings.get("properties", {})
    properties["type"] = own["type"] | {"const": entry.name}
    needed = settings.get("required", [])
    always = [] if reachable else needed  # what is missing may be in the partner's file
    either = {"anyOf": [{"required": ["transport"]}, {"required": needed}]} if reachable and needed else {}
    return {
        "type": "object",
        "title": entry.title,
        "description": settings.get("description", entry.title),
        "properties": properties,
        "required": sorted({*(r for r in required if r != "settings"), *always}),
        "additionalProperties": False,
        **either,
    }


def _loaded(load: Callable[[], type[BaseModel]]) -> Schema | None:
    try:
        return _model_schema(load())
    except ImportError:  # an optional connector whose library is not installed has no schema
        return None


def connections_schema() -> Schema:
    definitions: Schema = {}
    choices, names = [], []
    kinds: list[AdapterType | ConnectionType] = [*ADAPTERS.values(), *CONNECTION_TYPES]
    for adapter in kinds:
        settings = _model_schema(adapter.load())
        definitions.update(settings.pop("$defs", {}))
        definitions[f"connection_{adapter.name}"] = settings | {"title": adapter.title}
        names.append(adapter.name)
        choices.append(
            {
                "if": {"properties": {"type": {"const": adapter.name}}, "required": ["type"]},
                "then": {"$ref": f"#/definitions/connection_{adapter.name}"},
            }
        )
    one = {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": names, "description": "Which kind of far system it is."}},
        "allOf": choices,
    }
    body = {"type": "object", "additionalProperties": one, "description": "Far systems by name; secrets by reference."}
    return _document("Isthmus connections", body, definitions)


_SCHEMAS: Mapping[str, Callable[[], Schema]] = {
    "channel": channel_schema,
    "engine": lambda: _plain("Isthmus engine settings", EngineSettings),
    "connections": connections_schema,
    "partner": lambda: _plain("Isthmus trading partner", Partner),
    "layout": lambda: _plain("Isthmus layout of a table", Layout),
    "expect": lambda: _plain("Isthmus case expectation", Expectation),
    **{f"policy_{part}": partial(_plain, f"Isthmus policy: {part}", model) for part, model in PARTS.items()},
}
