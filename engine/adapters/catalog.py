"""The catalog of ERP adapters: `type:` of a connection to its settings and builder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from pydantic import BaseModel, ValidationError

from engine.core.errors import ConfigurationError
from engine.ports.connector import Secrets
from engine.ports.erp import ErpAdapter


class AdapterType(msgspec.Struct, frozen=True):
    """`load` imports the settings model, `build` makes the adapter: an unused ERP costs no start-up time."""

    name: str
    title: str
    load: Callable[[], type[BaseModel]]
    build: Callable[[Any, Secrets], ErpAdapter]


def _tryton_settings() -> type[BaseModel]:
    from engine.adapters.tryton.settings import TrytonSettings

    return TrytonSettings


def _tryton(settings: Any, secrets: Secrets) -> ErpAdapter:
    from engine.adapters.tryton.adapter import TrytonAdapter

    return TrytonAdapter(settings, secrets.resolve(settings.key))


ADAPTERS: Mapping[str, AdapterType] = {
    "tryton": AdapterType("tryton", "Tryton 8.2 or 8.0 over REST", _tryton_settings, _tryton),
}


class AdapterPool:
    """One adapter per connection, made at first use and shared: sessions, look-ups and locks are per connection.

    This is what destinations find under `services["erp_adapters"]`.
    """

    def __init__(self, connections: Mapping[str, Mapping[str, Any]], secrets: Secrets) -> None:
        self._connections, self._secrets = connections, secrets
        self._made: dict[str, ErpAdapter] = {}

    def adapter(self, connection: str) -> ErpAdapter:
        """Raises ConfigurationError: no such connection, not an ERP, or settings that do not fit."""
        if connection not in self._made:
            self._made[connection] = self._build(connection)
        return self._made[connection]

    async def close(self) -> None:
        for adapter in self._made.values():
            await adapter.close()
        self._made.clear()

    def _build(self, connection: str) -> ErpAdapter:
        where = f"config/connections.yaml: {connection}"
        if connection not in self._connections:
            known = ", ".join(sorted(self._connections)) or "none"
            raise ConfigurationError("no such connection", where=where, remedy=f"connections are: {known}")
        written = self._connections[connection]
        kind = ADAPTERS.get(str(written.get("type")))
        if kind is None:
            remedy = f"types are: {', '.join(sorted(ADAPTERS))}"
            raise ConfigurationError("the connection is not an ERP", where=where, remedy=remedy)
        try:
            settings = kind.load().model_validate(dict(written))
        except ValidationError as error:
            places = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
            raise ConfigurationError(places, where=where, remedy="correct the connection's settings") from None
        return kind.build(settings, self._secrets)
