"""The procure-to-pay process as ends of channels: documents go in through a destination, commands come out of a source.

destinations:
  - {name: process, type: procure, send: Invoice}
  - {name: process, type: procure, send: Receipt, tells_until: {sources: [receipts], lag: 30m}}

source: {type: procure, commands: [post_invoice]}

With `tells_until` the process knows how long to wait for what is missing: see engine/channel/feeds.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol, Self, cast

from pydantic import Field, field_validator, model_validator

from engine.canonical import KINDS, Document
from engine.channel.feeds import TellsUntil
from engine.channel.model import Duration, Settings
from engine.channel.policy_records import SystemName
from engine.channel.told_fields import tellable_fields
from engine.connectors.retold import RowOf, is_retold
from engine.core.errors import ConfigurationError, DestinationError, RecordOwnerError, StoreError, TransportError
from engine.ports.connector import (
    Accept,
    ConnectorContext,
    Delivered,
    Health,
    Outbound,
    Receipt,
    Received,
    Semantics,
)
from engine.ports.procure import COMMANDS, GivenCommand, Records

PROCESS, RECORDS, MESSAGE_ROW = "procure", "records", "message_row"  # names in ConnectorContext.services
OF_PEOPLE = frozenset({"ApprovalAction", "CaseAction"})
_AT_ONCE = 200  # commands a look
_LONGEST_PAUSE = 30.0  # seconds between looks while the store refuses


class TakesDocuments(Protocol):
    """The process, as this end needs it."""

    async def take(
        self,
        document: Document,
        message_id: int | None = None,
        who: str | None = None,
        system: str | None = None,
        fields: Sequence[str] = (),
    ) -> None: ...


class ProcureDestinationSettings(Settings):
    """Documents become part of what the process knows."""

    system: SystemName | None = Field(
        default=None,
        description="The system that says so: what it may change, config/policies/records.yaml tells.",
        examples=["erp"],
    )
    fields: tuple[str, ...] = Field(
        default=(),
        description="Fields that the system tells, also of lines (lines.price); of a document that is known already, "
        "or that the process asked for itself, all others stay as they are. Empty: it tells the whole document.",
        examples=[["name", "address", "active"]],
    )
    tells_until: TellsUntil | None = Field(
        default=None,
        description="What this channel tells everything of, and how late: so long the process waits for what is "
        "missing, then a person is asked.",
        examples=[{"sources": ["receipts"], "lag": "30m"}],
    )

    @model_validator(mode="after")
    def _fields_are_a_systems(self) -> Self:
        if self.fields and self.system is None:
            raise ValueError("fields are told by a system: name it in system")
        if odd := sorted(set(self.fields) - tellable_fields()):
            raise ValueError(f"no document has a field {', '.join(odd)}")
        return self


class ProcureDestination:
    """The same document again changes nothing."""

    def __init__(self, settings: ProcureDestinationSettings, context: ConnectorContext) -> None:
        self._process = cast("TakesDocuments | None", context.services.get(PROCESS))
        self._where, self._system, self._fields = context.name, settings.system, settings.fields
        self._row_of = cast("RowOf | None", context.services.get(MESSAGE_ROW))

    @property
    def semantics(self) -> Semantics:
        return Semantics.IDEMPOTENT

    @property
    def parallel(self) -> int:
        return 32  # what comes together is decided together

    async def send(self, outbound: Outbound) -> Delivered:
        """Raises as the port says."""
        if self._process is None:
            raise DestinationError("there is no process in this engine", where=self._where)
        kind = KINDS.get(outbound.kind or "")
        if kind is None:
            raise DestinationError("the process takes canonical documents", where=self._where, remedy="set send:")
        try:
            document = kind.model_validate_json(outbound.body)
        except ValueError:
            raise DestinationError("the document is not of its kind's shape", where=outbound.kind) from None
        await self._refuse_retold(document, outbound.message_id)
        try:
            await self._process.take(document, outbound.message_id, system=self._system, fields=self._fields)
        except StoreError as error:
            raise TransportError(error.what, where=self._where) from None
        except RecordOwnerError as error:
            raise DestinationError(error.what, where=error.where, remedy=error.remedy) from None
        return Delivered(reference=document.natural_key)

    async def _refuse_retold(self, document: Document, message_id: int) -> None:
        """Whoever may edit or replay a message would else approve in the name of others."""
        if document.kind not in OF_PEOPLE or self._row_of is None or not await is_retold(message_id, self._row_of):
            return
        raise DestinationError(
            "what people did is not taken from a message that was edited or replayed",
            where=document.kind,
            remedy="they answer in the console, or their system sends it again",
        )

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """Never asked: sending again is safe."""
        return None

    async def check(self) -> Health:
        return Health(self._process is not None, "the process is here" if self._process else "no process here")

    async def close(self) -> None:
        """Nothing is held open."""


class ProcureSourceSettings(Settings):
    """What the process wants done: one message a command, whose body is the document to act with."""

    commands: tuple[str, ...] = Field(
        default=(), description="Commands that are taken; empty: all.", examples=[["post_invoice"]]
    )
    every: Duration = Field(default=timedelta(milliseconds=500), description="Pause between two looks.")

    @field_validator("commands")
    @classmethod
    def _commands_are_known(cls, commands: tuple[str, ...]) -> tuple[str, ...]:
        for one in commands:
            if one not in COMMANDS:
                raise ValueError(f"no command is called '{one}'; there are: {', '.join(COMMANDS)}")
        return commands


class ProcureSource:
    """Reads commands in their order. A command taken twice has the same natural id: it acts once."""

    def __init__(self, settings: ProcureSourceSettings, context: ConnectorContext) -> None:
        records = context.services.get(RECORDS)
        if records is None:
            raise ConfigurationError("there is no process in this engine", where=context.name)
        self._settings, self._context = settings, context
        self._records = cast("Records", records)
        self._after: int | None = None
        self._failures = 0

    async def run(self, accept: Accept) -> None:
        pause = self._settings.every.total_seconds()
        while True:
            try:
                await self.look(accept)
                self._failures = 0
            except StoreError as error:
                self._failures += 1
                if self._failures == 1:  # told once, not at every look
                    self._context.emit(
                        "source_failed", self._context.channel, {"error": error.code, "text": error.what}
                    )
            await asyncio.sleep(min(pause * 2**self._failures, _LONGEST_PAUSE))

    async def look(self, accept: Accept) -> None:
        reader = f"channel:{self._context.channel}"
        if self._after is None:
            self._after = (await self._records.watermarks()).get(reader, 0)
        while page := await self._records.given(self._after, self._settings.commands, _AT_ONCE):
            await asyncio.gather(*(_accepted(one, accept) for one in page))
            self._after = page[-1].number
            await self._records.set_watermark(reader, self._after)  # it spares reading; the natural id is what guards

    async def check(self) -> Health:
        return Health(
            self._failures == 0, "reads the process's commands" if not self._failures else "the store refuses"
        )


async def _accepted(given: GivenCommand, accept: Accept) -> Receipt:
    command = given.command
    facts = {"command": command.name, "dossier": given.dossier, "kind": command.kind, "command_key": command.key}
    return await accept(Received(command.body, command.key, command.name, attributes=facts))
