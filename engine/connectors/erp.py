"""Destination `erp`: canonical documents posted in the ERP of a connection, each exactly once.

The ERP gets the document's natural key as our reference, so that its people can read it. An attempt whose
outcome is unknown is cleared up by asking for that reference; posting goes on from what is there.

A channel that takes commands of the process tells it what became of them:

source: {type: procure, commands: [post_invoice]}
destinations:
  - {name: erp, type: erp, connection: finance, send: Invoice, reports: true}
"""

from __future__ import annotations

from contextlib import suppress

import msgspec
from pydantic import Field, ValidationError

from engine.canonical import KINDS, Document
from engine.channel.model import Settings
from engine.channel.policy_records import SystemName
from engine.connectors.answers import Answers, command_of
from engine.core.errors import ConfigurationError, DestinationError, TransportError
from engine.ports.connector import ConnectorContext, Delivered, Health, Outbound, Semantics
from engine.ports.erp import CarriesOut, ErpAdapter, ErpAdapters, KnowsTwins, Posted, Twin

_BROUGHT_UP_TO_DATE = frozenset({"Supplier", "Item", "CostCenter"})
"""Masters: that the ERP knows one does not say that it has this change, and sending it again is harmless."""
_POSTED_BY = frozenset({"post_invoice", "post_journal", "create_order", "raise_requisition", "propagate_supplier"})
"""Commands that are carried out by posting their document; any other one the adapter must know itself."""


class ErpSettings(Settings):
    """Which ERP, and how many documents at once."""

    connection: str = Field(min_length=1, description="Name in config/connections.yaml.", examples=["finance"])
    parallel: int = Field(
        default=2, ge=1, le=32, description="Documents under way at once; what the ERP takes one by one waits in turn."
    )
    reports: bool = Field(
        default=False,
        description="Tell the process what became of each document: its number in the ERP, or why it was refused.",
    )
    system: SystemName = Field(
        default="erp", description="With reports: who answers, as the plans of the process call it."
    )


class ErpDestination:
    def __init__(self, settings: ErpSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._adapter = shared_adapter(context, settings.connection)
        self._answers = _answers(settings, context)

    @property
    def semantics(self) -> Semantics:
        return Semantics.INQUIRABLE

    @property
    def parallel(self) -> int:
        return self._settings.parallel

    async def send(self, outbound: Outbound) -> Delivered:
        document = _document(outbound)
        try:
            posted = await self._posted(outbound, document)
        except DestinationError as error:
            if self._answers is not None:
                await self._answers.refused(outbound, document, error, await self._twin(document, error))
            raise
        return await self._delivered(outbound, document, posted)

    async def _twin(self, document: Document, error: DestinationError) -> Twin | None:
        """What stands in its place, for who has to decide; that it cannot be asked for changes nothing."""
        if not isinstance(self._adapter, KnowsTwins):
            return None
        with suppress(TransportError, DestinationError):
            return await self._adapter.twin(document, document.natural_key, error)
        return None

    async def _posted(self, outbound: Outbound, document: Document) -> Posted:
        command = command_of(outbound)
        if command is not None and command not in _POSTED_BY:
            return await self._carried_out(command, outbound, document)
        if document.kind not in self._adapter.kinds:
            takes = ", ".join(sorted(self._adapter.kinds))
            raise DestinationError(f"the ERP takes no {document.kind}", remedy=f"send one of: {takes}")
        return await self._adapter.post(document, document.natural_key)

    async def _carried_out(self, command: str, outbound: Outbound, document: Document) -> Posted:
        if not isinstance(self._adapter, CarriesOut) or command not in self._adapter.commands:
            remedy = "carry it out in the ERP and confirm the delivery, or send it elsewhere"
            raise DestinationError(f"the ERP cannot be asked for '{command}'", where=outbound.kind, remedy=remedy)
        return await self._adapter.carry_out(command, document, document.natural_key)

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """None also for what is asked for again without harm."""
        document, command = _document(outbound), command_of(outbound)
        if document.kind in _BROUGHT_UP_TO_DATE or (command is not None and command not in _POSTED_BY):
            return None
        posted = await self._adapter.find(document.kind, document.natural_key, document.natural_key)
        return None if posted is None else await self._delivered(outbound, document, posted)

    async def _delivered(self, outbound: Outbound, document: Document, posted: Posted) -> Delivered:
        """Told first: were it noted as delivered before, a crash between the two would leave the process waiting."""
        if self._answers is not None:
            await self._answers.done(outbound, document, posted.reference)
        return _delivered(posted)

    async def check(self) -> Health:
        return await self._adapter.check()

    async def close(self) -> None:
        """The adapter belongs to the connection, which other channels use too: the engine closes it."""


def shared_adapter(context: ConnectorContext, connection: str) -> ErpAdapter:
    adapters: ErpAdapters | None = context.services.get("erp_adapters")
    if adapters is None:
        raise ConfigurationError("this engine runs without ERP adapters", where=context.name)
    return adapters.adapter(connection)


def _answers(settings: ErpSettings, context: ConnectorContext) -> Answers | None:
    if not settings.reports:
        return None
    process = context.services.get("procure")
    if process is None:
        raise ConfigurationError("there is no process in this engine", where=context.name, remedy="leave reports out")
    return Answers(context, process, settings.system)


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
