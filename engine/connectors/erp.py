"""Destination `erp`: canonical documents posted in the ERP of a connection, each exactly once.

The ERP gets the document's natural key as our reference, so that its people can read it. An attempt whose
outcome is unknown is cleared up by asking for that reference; posting goes on from what is there.
"""

from __future__ import annotations

import msgspec
from pydantic import Field, ValidationError

from engine.canonical import KINDS, Document
from engine.channel.model import Settings
from engine.core.errors import ConfigurationError, DestinationError
from engine.ports.connector import ConnectorContext, Delivered, Health, Outbound, Semantics
from engine.ports.erp import ErpAdapter, ErpAdapters, Posted

_BROUGHT_UP_TO_DATE = frozenset({"Supplier", "Item", "CostCenter"})
"""Masters: that the ERP knows one does not say that it has this change, and sending it again is harmless."""


class ErpSettings(Settings):
    """Which ERP, and how many documents at once."""

    connection: str = Field(min_length=1, description="Name in config/connections.yaml.", examples=["finance"])
    parallel: int = Field(
        default=2, ge=1, le=32, description="Documents under way at once; what the ERP takes one by one waits in turn."
    )


class ErpDestination:
    def __init__(self, settings: ErpSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._adapter = shared_adapter(context, settings.connection)

    @property
    def semantics(self) -> Semantics:
        return Semantics.INQUIRABLE

    @property
    def parallel(self) -> int:
        return self._settings.parallel

    async def send(self, outbound: Outbound) -> Delivered:
        document = _document(outbound)
        if document.kind not in self._adapter.kinds:
            takes = ", ".join(sorted(self._adapter.kinds))
            raise DestinationError(f"the ERP takes no {document.kind}", remedy=f"send one of: {takes}")
        return _delivered(await self._adapter.post(document, document.natural_key))

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        document = _document(outbound)
        if document.kind in _BROUGHT_UP_TO_DATE:
            return None
        posted = await self._adapter.find(document.kind, document.natural_key, document.natural_key)
        return None if posted is None else _delivered(posted)

    async def check(self) -> Health:
        return await self._adapter.check()

    async def close(self) -> None:
        """The adapter belongs to the connection, which other channels use too: the engine closes it."""


def shared_adapter(context: ConnectorContext, connection: str) -> ErpAdapter:
    adapters: ErpAdapters | None = context.services.get("erp_adapters")
    if adapters is None:
        raise ConfigurationError("this engine runs without ERP adapters", where=context.name)
    return adapters.adapter(connection)


def _document(outbound: Outbound) -> Document:
    if outbound.kind not in KINDS:
        remedy = "let the transform return a document, and name its kind in `send:`"
        raise DestinationError("the ERP takes canonical documents only", remedy=remedy)
    try:
        return KINDS[outbound.kind].model_validate_json(outbound.body)
    except ValidationError as error:
        places = "; ".join(".".join(map(str, e["loc"])) for e in error.errors(include_input=False))
        raise DestinationError(f"the {outbound.kind} to post breaks its own rules", where=places) from None


def _delivered(posted: Posted) -> Delivered:
    """The response kept is the ERP's state of the document, amounts as strings."""
    return Delivered(response=msgspec.json.encode(posted), reference=posted.reference)
