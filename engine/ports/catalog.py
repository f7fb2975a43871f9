"""The catalog of connectors: what a type is called, how it is set, how it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from pydantic import BaseModel

from engine.ports.connector import ConnectorContext, Destination, Source


class ConnectorType(msgspec.Struct, frozen=True):
    """One entry.

    Args:
        load: imports and returns the settings model: parse, lint, JSON Schema and reference come from it.
        build: makes the connector; imports inside, so that an unused connector costs no start-up time.
        format: how bodies are parsed when the channel does not say (sources).
        listens: `host:port` addresses of these settings, for port clashes.
        takes: what a destination sends: `document`, `message`, or both.
    """

    name: str
    direction: Literal["source", "destination"]
    title: str
    load: Callable[[], type[BaseModel]]
    build: Callable[[Any, ConnectorContext], Source | Destination]
    format: str = "bytes"
    listens: Callable[[Any], list[str]] = lambda settings: []
    takes: frozenset[str] = frozenset({"document", "message"})


class Catalog(msgspec.Struct, frozen=True):
    sources: Mapping[str, ConnectorType]
    destinations: Mapping[str, ConnectorType]
