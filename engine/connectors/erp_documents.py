"""Source `erp_documents`: what came to be in the ERP itself, each as a canonical document in JSON.

source: {type: erp_documents, connection: finance, documents: [Receipt, PaymentStatus, Supplier, Item]}
destinations:
  - {name: process, type: procure, system: erp, send: Receipt, tells_until: {sources: [receipts]}}

Receipts that were done there, what became of invoices' payment, suppliers and items. The natural id is kind and key
with a digest of the content and of the ERP's own mark of the version: each is taken once, and once more when it
changed, also back to what it was. What the process knows already, perhaps with more to it (lots of a receipt that was
sent there), is not told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Literal, cast

import msgspec
from pydantic import Field

from engine.channel.model import Duration, Settings
from engine.connectors.erp import shared_adapter
from engine.connectors.looks import looks_of
from engine.core.errors import ConfigurationError, DestinationError, StoreError, TransportError
from engine.ports.connector import Accept, ConnectorContext, Health, Received
from engine.ports.erp import ReadsDocuments, Told
from engine.ports.procure import Records, Reference

_SHORTEST_PAUSE = 0.5
_LONGEST_PAUSE = timedelta(minutes=5)
_AT_ONCE = 200  # documents compared with what is known at a time


class ErpDocumentsSettings(Settings):
    """Which ERP is asked for what, how often, and how far back."""

    connection: str = Field(min_length=1, description="Name in config/connections.yaml.", examples=["finance"])
    documents: tuple[Literal["Receipt", "PaymentStatus", "Supplier", "Item", "PurchaseOrder"], ...] = Field(
        min_length=1, description="Kinds that are told.", examples=[["Receipt", "PaymentStatus"]]
    )
    every: Duration = Field(default=timedelta(minutes=1), description="Pause between two looks.", examples=["1m"])
    look_back: Duration = Field(
        default=timedelta(days=14),
        description="What was changed longer ago is not looked at, unless it is still open.",
        examples=["14d"],
    )


class ErpDocumentsSource:
    """Looks into the ERP until cancelled. An ERP that is down is asked again, at longer and longer intervals."""

    def __init__(self, settings: ErpDocumentsSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._adapter = shared_adapter(context, settings.connection)
        self._taken: dict[tuple[str, str], str] = {}  # kind and key to natural id: spares the journal known duplicates
        self._failures = 0
        self._looks = looks_of(context)
        for kind in settings.documents:
            self._reader(kind)

    async def run(self, accept: Accept) -> None:
        while True:
            await asyncio.sleep(await self.look(accept))

    async def look(self, accept: Accept) -> float:
        """Take what is new. Returns seconds until the next look."""
        began = self._context.clock.now()
        try:
            for kind in self._settings.documents:
                await self._kind(kind, (began - self._settings.look_back).date(), accept)
        except (TransportError, DestinationError, StoreError) as error:
            # nothing is lost: the documents stay in the ERP
            self._failures += 1
            if self._failures == 1:  # told once, not at every look
                self._tell("source_failed", {"error": error.code, "text": error.what})
            return self._pause()
        self._looks.complete(self._context.channel, began, self._context.clock.now())
        if self._failures:
            self._tell("source_recovered", {"failures": self._failures})
        self._failures = 0
        return self._pause()

    async def check(self) -> Health:
        return await self._adapter.check()

    async def _kind(self, kind: str, since: date, accept: Accept) -> None:
        new = [one for one in await self._reader(kind).told(kind, since) if not self._is_taken(one)]
        for start in range(0, len(new), _AT_ONCE):
            some = new[start : start + _AT_ONCE]
            known = await self._known(some)
            for told in some:
                if not _says_nothing_new(told, known.get(_reference(told))):
                    await self._take(told, accept)
                self._taken[told.document.kind, told.document.natural_key] = _natural_id(told)

    def _reader(self, kind: str) -> ReadsDocuments:
        if not isinstance(self._adapter, ReadsDocuments) or kind not in self._adapter.told_kinds:
            raise ConfigurationError(f"this ERP is not asked for {kind}", where=self._context.name)
        return self._adapter

    def _is_taken(self, told: Told) -> bool:
        return self._taken.get((told.document.kind, told.document.natural_key)) == _natural_id(told)

    async def _known(self, told: Sequence[Told]) -> dict[Reference, bytes]:
        """What the process has of them; nothing where there is no process."""
        records = cast("Records | None", self._context.services.get("records"))
        if records is None:
            return {}
        found = await records.latest([_reference(one) for one in told])
        return {reference: record.body for reference, record in found.items()}

    async def _take(self, told: Told, accept: Accept) -> None:
        document = told.document
        attributes = {"kind": document.kind}
        await accept(Received(_body(told), _natural_id(told), message_type=document.kind, attributes=attributes))

    def _tell(self, name: str, facts: dict[str, object]) -> None:
        self._context.emit(name, self._context.channel, facts)

    def _pause(self) -> float:
        usual = max(self._settings.every.total_seconds(), _SHORTEST_PAUSE)
        longest = max(_LONGEST_PAUSE.total_seconds(), usual)
        return float(min(usual * 2**self._failures, longest))


def _body(told: Told) -> bytes:
    return told.document.model_dump_json(exclude_none=True).encode()


def _natural_id(told: Told) -> str:
    digest = sha256(_body(told) + told.changed.encode()).hexdigest()[:16]
    return f"{told.document.kind}:{told.document.natural_key}:{digest}"


def _reference(told: Told) -> Reference:
    return Reference(told.document.kind, told.document.natural_key)


def _says_nothing_new(told: Told, known: bytes | None) -> bool:
    """All that the ERP says is known, to the letter; what is known may say more."""
    if known is None:
        return False
    said = msgspec.json.decode(told.document.model_dump_json(exclude_none=True))
    return _within(said, msgspec.json.decode(known))


def _within(said: Any, known: Any) -> bool:
    if isinstance(said, dict):
        return isinstance(known, dict) and all(name in known and _within(said[name], known[name]) for name in said)
    if isinstance(said, list):
        return isinstance(known, list) and len(said) == len(known) and all(map(_within, said, known))
    return bool(said == known)
