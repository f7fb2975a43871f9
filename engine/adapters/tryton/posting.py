"""How any document gets into the ERP exactly once: ask by our reference, make it, take it to its final state.

Each step asks what is there before it acts, so that it can be begun again after a crash at any point. A request
of a dead process may still be carried out by the ERP after we asked: a second draft that appears is removed,
the oldest one goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.failures import (
    WHERE,
    AmbiguousError,
    BusinessRuleError,
    DuplicateInvoiceError,
    NoSuchRecordError,
)
from engine.adapters.tryton.wire import Domain, Record
from engine.core.errors import DestinationError, TransportError
from engine.ports.erp import Posted

_DRAFT = "draft"


class Workflow(NamedTuple):
    """A kind's way through the ERP: the button to press in each state, and where it ends.

    Args:
        deferred: states that the ERP itself leaves right after its answer.
        serial: the button takes a number without gaps, which the ERP gives to one poster at a time.
        own: field that holds our full reference; drafts without it are people's and never touched.
    """

    kind: str
    model: str
    fields: Sequence[str]
    buttons: Mapping[str, str]
    final: frozenset[str]
    own: str
    deferred: frozenset[str] = frozenset()
    serial: frozenset[str] = frozenset()
    total: Callable[[Record], Decimal | None] = lambda record: record.get("total_amount")
    number: str = "number"


class Plan(NamedTuple):
    """One document on its way: where to look, what to make, what must be true of what is found."""

    natural_key: str
    reference: str
    domain: Domain
    expected: Decimal | None
    values: Callable[[], Any]  # an awaitable of the record's values; asked only when it must be made
    same: Callable[[Record], bool] = lambda record: True
    tidy: Callable[[], Any] | None = None  # an awaitable, before the first button
    again: Callable[[int], Any] | None = None  # an awaitable: may this record pass beside the similar ones?


class Journey(Protocol):
    """One kind's mapping: what the adapter needs of it."""

    @property
    def workflow(self) -> Workflow: ...

    def domain(self, natural_key: str, reference: str) -> Domain:
        """Where our documents of that name are found."""
        ...

    async def plan(self, document: Any, reference: str) -> Plan:
        """Raises DestinationError: the document cannot be posted as it is."""
        ...


class Poster:
    """Carries plans out. One per connection: it holds the locks."""

    def __init__(self, client: TrytonClient) -> None:
        self._client = client
        self._serial = asyncio.Lock()
        self._keys: dict[tuple[str, str], tuple[asyncio.Lock, int]] = {}

    async def find(self, workflow: Workflow, domain: Domain) -> list[Record]:
        """Records under our reference, cancelled ones left out, the furthest first."""
        unended: Domain = [domain, ["state", "!=", "cancelled"]]
        found = await self._client.read(workflow.model, unended, fields_of(workflow))
        return sorted(found, key=lambda record: (record["state"] not in workflow.final, record["id"]))

    async def post(self, workflow: Workflow, plan: Plan) -> Posted:
        async with self._one_at_a_time(workflow.kind, plan.natural_key):
            found = await self.find(workflow, plan.domain)
            arrived = bool(found) and found[0]["state"] in workflow.final
            if not found:
                await self._make(workflow, plan)
            try:
                record = await self._finish(workflow, plan, found)
            except TransportError as error:
                error.sent = True  # something of it is in the ERP, whatever this call did
                raise
            return posted(workflow, record, plan.natural_key, already_there=arrived)

    async def _finish(self, workflow: Workflow, plan: Plan, found: list[Record]) -> Record:
        found = found or await self.find(workflow, plan.domain)
        record = await self._settle(workflow, plan, found)
        if plan.tidy is not None and record["state"] not in workflow.final:
            await plan.tidy()
        return await self._advance(workflow, plan, record)

    async def _make(self, workflow: Workflow, plan: Plan) -> None:
        values = await plan.values()
        await self._client.create(workflow.model, {**values, workflow.own: plan.reference})

    async def _settle(self, workflow: Workflow, plan: Plan, found: list[Record]) -> Record:
        """The one that goes on; later drafts of ours are removed."""
        if not found:
            raise TransportError("the ERP does not show what it made", where=WHERE, sent=True)
        first, *rest = found
        for twin in rest:
            if twin["state"] != _DRAFT or twin[workflow.own] != plan.reference:
                raise _conflict(workflow, "holds it more than once")
            await self._remove(workflow, twin)
        if first["state"] not in workflow.final and first[workflow.own] != plan.reference:
            raise _conflict(workflow, "holds an unfinished one that somebody else began")
        total = workflow.total(first)
        if not plan.same(first) or (plan.expected is not None and total is not None and total != plan.expected):
            raise _conflict(workflow, "holds another one under this number")
        return first

    async def _remove(self, workflow: Workflow, twin: Record) -> None:
        # Gone already: another sender found the same twins and removed this one a moment ago.
        with suppress(NoSuchRecordError):
            await self._client.delete(workflow.model, twin["id"])

    async def _advance(self, workflow: Workflow, plan: Plan, record: Record) -> Record:
        for _ in range(2 * len(workflow.buttons) + 2):
            if record["state"] in workflow.final:
                return record
            if record["state"] not in workflow.buttons:
                raise _conflict(workflow, f"holds it as {record['state']}")
            record = await self._step(workflow, plan, record)
        raise TransportError("the ERP did not finish the document", where=WHERE, sent=True)

    async def _step(self, workflow: Workflow, plan: Plan, record: Record) -> Record:
        button = workflow.buttons[record["state"]]
        fields = fields_of(workflow)
        try:
            after = await self._press(workflow, record["id"], button, fields)
        except DuplicateInvoiceError:
            return await self._after_duplicate(workflow, plan, record)
        except (BusinessRuleError, AmbiguousError):
            after = await self._client.get(workflow.model, record["id"], fields)
            if after["state"] == record["state"]:
                raise
        if after is None or "state" not in after or after["state"] in workflow.deferred:
            after = await self._client.get(workflow.model, record["id"], fields)
        return after

    async def press_alone(self, model: str, record: int, button: str, *, warned: bool = True) -> None:
        """A button that takes a number without gaps, as that of an entry which reverses another one."""
        async with self._serial:
            await self._client.press(model, record, button, warned=warned)

    async def _press(self, workflow: Workflow, record: int, button: str, fields: Sequence[str]) -> Record | None:
        if button not in workflow.serial:
            return await self._client.press(workflow.model, record, button, fields)
        async with self._serial:
            return await self._client.press(workflow.model, record, button, fields)

    async def _after_duplicate(self, workflow: Workflow, plan: Plan, record: Record) -> Record:
        """The ERP warns of a similar one. When it is a late twin of ours, it goes and the step is tried again."""
        found = await self.find(workflow, plan.domain)
        if len(found) < 2 and plan.again is not None and await plan.again(record["id"]):
            await self.press_alone(workflow.model, record["id"], workflow.buttons[record["state"]], warned=False)
            return await self._client.get(workflow.model, record["id"], fields_of(workflow))
        if len(found) < 2:
            raise _conflict(workflow, "holds a similar one")
        return await self._settle(workflow, plan, found)

    @asynccontextmanager
    async def _one_at_a_time(self, kind: str, natural_key: str) -> AsyncIterator[None]:
        """Two deliveries of the same document in this process wait for each other."""
        key = kind, natural_key
        lock, users = self._keys.get(key, (asyncio.Lock(), 0))
        self._keys[key] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            lock, users = self._keys.pop(key)
            if users > 1:
                self._keys[key] = lock, users - 1


def fields_of(workflow: Workflow) -> list[str]:
    return [*workflow.fields, "state", workflow.number, workflow.own]


def posted(workflow: Workflow, record: Record, natural_key: str, *, already_there: bool) -> Posted:
    total = workflow.total(record)
    return Posted(
        kind=workflow.kind,
        natural_key=natural_key,
        reference=str(record.get(workflow.number) or record["id"]),
        record=str(record["id"]),
        state=record["state"],
        total=total,
        currency=_currency(record) if total is not None else None,
        already_there=already_there,
    )


def _currency(record: Record) -> str | None:
    """The document's, else its company's."""
    found = record.get("currency") or (record.get("company") or {}).get("currency") or {}
    code: str | None = found.get("code")
    return code


def _conflict(workflow: Workflow, what: str) -> DestinationError:
    error = DuplicateInvoiceError if workflow.kind == "Invoice" else BusinessRuleError
    remedy = "compare both in the ERP and correct one; discard this delivery when the ERP's is right"
    return error(f"{workflow.kind}: the ERP {what}", where=WHERE, remedy=remedy)
