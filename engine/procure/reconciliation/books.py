"""Our own books, as commands and answers tell them, compared with a system's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from engine.canonical import Invoice, InvoiceKind, PostingResult, ReconciliationReport
from engine.ports.ledger_view import LedgerEntry
from engine.ports.procure import GivenCommand, Records, Reference
from engine.procure.papers import read
from engine.procure.reconciliation.reconcile import exact
from engine.procure.reconciliation.run import EntriesView, compare

_COMMAND, _UNDO = "post_invoice", "undo_post_invoice"
_AT_ONCE = 200


class _Given(NamedTuple):
    """That an invoice was to be posted: by its month, and by which command last."""

    month: str
    entry: LedgerEntry
    command: str


class Books:
    """Invoices that were to be posted. What was given once is remembered: a later look reads what came since."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._after = 0
        self._given: dict[str, _Given] = {}  # by natural key; the last of each

    async def report(
        self, system: str, period: str, theirs: Sequence[LedgerEntry], at: datetime
    ) -> ReconciliationReport:
        """Compare a month. What was asked for and is not answered yet is left out on both sides: it is under way. What
        was taken back and is there all the same is not.

        Raises:
            StoreError: the records cannot be read now.
        """
        await self._catch_up()
        mine = {key: one.entry for key, one in self._given.items() if one.month == period}
        asked = {*mine, *(one.key for one in theirs if one.key in self._given)}
        posted, taken_back = await self._posted(system, sorted(asked))
        under_way = asked - posted - taken_back
        here = EntriesView("isthmus", [entry for key, entry in sorted(mine.items()) if key in posted])
        there = EntriesView(system, [one for one in theirs if one.key not in under_way])
        return await compare(here, there, Invoice.kind, period, at)

    async def _catch_up(self) -> None:
        while page := await self._records.given(self._after, (_COMMAND,), _AT_ONCE):
            self._given |= dict(_entries(page))
            self._after = page[-1].number

    async def _posted(self, system: str, keys: Sequence[str]) -> tuple[set[str], set[str]]:
        """Those that the system took, and those that were taken back since and not asked for anew."""
        posted = await self._answered(system, _COMMAND, keys)
        undone = await self._answered(system, _UNDO, sorted(posted))
        back = {key for key, one in undone.items() if one.answered_at >= posted[key].answered_at}
        return posted.keys() - back, {
            key for key in back if posted[key].command_key in (None, self._given[key].command)
        }

    async def _answered(self, system: str, command: str, keys: Sequence[str]) -> dict[str, PostingResult]:
        """Where the system did it last, by natural key."""
        found: dict[str, PostingResult] = {}
        for start in range(0, len(keys), _AT_ONCE):
            names = {_answer(system, command, key): key for key in keys[start : start + _AT_ONCE]}
            for reference, record in (await self._records.latest(list(names))).items():
                answer = read(record)
                if isinstance(answer, PostingResult) and answer.ok:
                    found[names[reference]] = answer
        return found


def _answer(system: str, command: str, key: str) -> Reference:
    return Reference(PostingResult.kind, f"{system}/{command}/{Invoice.kind}/{key}")


def _entries(given: Iterable[GivenCommand]) -> Iterable[tuple[str, _Given]]:
    for one in given:
        invoice = Invoice.model_validate_json(one.command.body)
        credit = invoice.invoice_kind is InvoiceKind.CREDIT_MEMO and invoice.total.amount > 0
        amount = -invoice.total.amount if credit else invoice.total.amount
        entry = LedgerEntry(invoice.natural_key, invoice.supplier_number, exact(amount), invoice.currency)
        yield invoice.natural_key, _Given(invoice.invoiced_on.strftime("%Y-%m"), entry, one.command.key)
