"""Our own books, as commands and answers tell them, compared with a system's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from engine.canonical import Invoice, InvoiceKind, PostingResult, ReconciliationReport
from engine.ports.ledger_view import LedgerEntry
from engine.ports.procure import GivenCommand, Records, Reference
from engine.procure.papers import read
from engine.procure.reconciliation.reconcile import exact
from engine.procure.reconciliation.run import EntriesView, compare

_COMMAND, _UNDO = "post_invoice", "undo_post_invoice"
_AT_ONCE = 200


class Books:
    """Invoices that were to be posted. What was given once is remembered: a later look reads what came since."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._after = 0
        self._given: dict[str, tuple[str, LedgerEntry]] = {}  # natural key to month and entry

    async def report(
        self, system: str, period: str, theirs: Sequence[LedgerEntry], at: datetime
    ) -> ReconciliationReport:
        """Compare a month. What was asked for and is not answered yet is left out on both sides: it is under way.

        Raises:
            StoreError: the records cannot be read now.
        """
        await self._catch_up()
        mine = {key: entry for key, (month, entry) in self._given.items() if month == period}
        asked = {*mine, *(one.key for one in theirs if one.key in self._given)}
        posted = await self._posted(system, sorted(asked))
        under_way = asked - posted
        here = EntriesView("isthmus", [entry for key, entry in sorted(mine.items()) if key in posted])
        there = EntriesView(system, [one for one in theirs if one.key not in under_way])
        return await compare(here, there, Invoice.kind, period, at)

    async def _catch_up(self) -> None:
        while page := await self._records.given(self._after, (_COMMAND,), _AT_ONCE):
            self._given |= dict(_entries(page))
            self._after = page[-1].number

    async def _posted(self, system: str, keys: Sequence[str]) -> set[str]:
        """Those that the system took and that were not taken back since."""
        posted = await self._answered(system, _COMMAND, keys)
        undone = await self._answered(system, _UNDO, sorted(posted))
        return {key for key, at in posted.items() if key not in undone or undone[key] < at}

    async def _answered(self, system: str, command: str, keys: Sequence[str]) -> dict[str, datetime]:
        """When the system did it last, by natural key."""
        found: dict[str, datetime] = {}
        for start in range(0, len(keys), _AT_ONCE):
            names = {_answer(system, command, key): key for key in keys[start : start + _AT_ONCE]}
            for reference, record in (await self._records.latest(list(names))).items():
                answer = read(record)
                if isinstance(answer, PostingResult) and answer.ok:
                    found[names[reference]] = answer.answered_at
        return found


def _answer(system: str, command: str, key: str) -> Reference:
    return Reference(PostingResult.kind, f"{system}/{command}/{Invoice.kind}/{key}")


def _entries(given: Iterable[GivenCommand]) -> Iterable[tuple[str, tuple[str, LedgerEntry]]]:
    for one in given:
        invoice = Invoice.model_validate_json(one.command.body)
        credit = invoice.invoice_kind is InvoiceKind.CREDIT_MEMO and invoice.total.amount > 0
        amount = -invoice.total.amount if credit else invoice.total.amount
        entry = LedgerEntry(invoice.natural_key, invoice.supplier_number, exact(amount), invoice.currency)
        yield invoice.natural_key, (invoice.invoiced_on.strftime("%Y-%m"), entry)
