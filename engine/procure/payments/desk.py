"""Payments as people see them: `engine.ports.payments.PaymentOperations` over the process and its store. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from engine.canonical import Document, Invoice, Payment, PaymentRun, PurchaseOrder, Supplier
from engine.core.clock import Clock, from_micros
from engine.ports.journal import MessageView
from engine.ports.p2p_operations import DocumentRow, RecordSearch, Stand
from engine.ports.payments import PaymentAsk, PaymentRow, PaymentView, RunFile, RunRow, RunView
from engine.ports.procure import Case, Dossier, Records, Reference
from engine.procure.papers import papers_of, read
from engine.procure.payments.shown import Around, case_link, group_of_stand, left_row, payment_row, told_of
from engine.procure.payments.sums import erp_run_row, run_row
from engine.procure.suppliers.papers import payment_dossier

_DOSSIERS = payment_dossier("")
_NEWEST = 500  # payments that a list looks at, beside those with an open exception
_OF_A_RUN = 1000
_LOOK_EVERY = timedelta(seconds=5)  # open pages ask each second
D = TypeVar("D", bound=Document)


class PaymentDesk:
    """`messages_of`: the messages that a run became, by its number; None: its files are not shown."""

    def __init__(
        self,
        records: Records,
        search: RecordSearch,
        clock: Clock,
        messages_of: Callable[[str], Awaitable[list[MessageView]]] | None = None,
    ) -> None:
        self._records, self._search, self._clock, self._messages_of = records, search, clock, messages_of
        self._looks: dict[str, tuple[datetime, str]] = {}

    # -------------------------------------------------------------- payments
    async def payments(self, ask: PaymentAsk, who: str) -> list[PaymentRow]:
        """An open exception brings a payment up, however old it is."""
        begins, most = _DOSSIERS, _NEWEST
        if ask.run is not None and await self._is_ours(ask.run):
            begins, most = payment_dossier(f"{ask.run}-"), _OF_A_RUN
        stands, cases = await self._search.stands(begins, most), await self._cases(begins)
        older = sorted(cases.keys() - {one.dossier for one in stands})
        stands += [_stand(await self._records.load(one)) for one in older]
        rows = await self._rows(stands, cases, (ask.run,) if ask.run else ())
        return [one for one in rows if _matches(one, ask)][: ask.limit]

    async def payment(self, number: str, who: str) -> PaymentView | None:
        dossier = await self._records.load(payment_dossier(number))
        papers = papers_of(dossier)
        payment = next(iter(papers.newest(Payment)), None)
        if payment is None:  # the bank may tell of one that nobody here knows
            return None
        opened = {dossier.key: [one for one in dossier.cases if one.state == "open"]}
        rows = await self._rows([_stand(dossier)], opened, filter(None, [payment.run_number]))
        return PaymentView(
            row=rows[0],
            told=told_of(papers),
            documents=_documents(dossier),
            asked=_asked(dossier.cases),
            released_on=payment.released_on.isoformat() if payment.released_on else None,
            settled_on=payment.settled_on.isoformat() if payment.settled_on else None,
            bank_reference=payment.bank_reference,
            replaces=payment.replaces,
        )

    async def moved(self, begins: str, who: str) -> str:
        now, key = self._clock.now(), payment_dossier(begins)
        if key not in self._looks or now - self._looks[key][0] >= _LOOK_EVERY:
            found = await self._search.stands(key, 1)
            self._looks = {name: look for name, look in self._looks.items() if now - look[0] < _LOOK_EVERY}
            self._looks[key] = (now, str(found[0].changed_micros) if found else "")
        return self._looks[key][1]

    # -------------------------------------------------------------- runs
    async def runs(self, limit: int, who: str) -> list[RunRow]:
        """Those made here, and those that payments of the ERP name."""
        newest = await self._search.keys(PaymentRun.kind, "", "", limit)
        made = await self._documents(PaymentRun, [one.key for one in newest])
        rows = [run_row(one, await self._groups(number)) for number, one in made.items()]
        rows += await self._erp_runs()
        rows.sort(key=lambda row: (row.pay_on, row.number), reverse=True)
        return rows[:limit]

    async def _groups(self, number: str) -> list[str]:
        """Where the payments of a run that was made here stand."""
        return [group_of_stand(one) for one in await self._search.stands(payment_dossier(f"{number}-"), _OF_A_RUN)]

    async def _erp_runs(self) -> list[RunRow]:
        paid: defaultdict[str, list[PaymentRow]] = defaultdict(list)
        for one in await self._rows(await self._search.stands(_DOSSIERS, _NEWEST), {}, around=False):
            if one.run:
                paid[one.run].append(one)
        ours = {one.key for one in await self._records.latest([Reference(PaymentRun.kind, key) for key in paid])}
        return [erp_run_row(number, rows) for number, rows in paid.items() if number not in ours]

    async def run(self, number: str, who: str) -> RunView | None:
        made = (await self._documents(PaymentRun, [number])).get(number)
        paid = await self.payments(PaymentAsk(run=number, limit=_OF_A_RUN), who)
        if made is None and not paid:
            return None
        left = made.left if made else ()
        around = await self._around((one.supplier_number, one.invoice_number) for one in left)
        return RunView(
            row=run_row(made, [one.group for one in paid]) if made else erp_run_row(number, paid),
            payments=sorted(paid, key=lambda row: row.number),
            left=[left_row(one, around) for one in left],
            left_out=made.left_out if made else 0,
            files=await self._files(number),
            documents=await self._versions(number),
        )

    async def _files(self, number: str) -> list[RunFile]:
        views = await self._messages_of(number) if self._messages_of else []
        return [
            RunFile(view.row.channel, one.destination, one.state, one.changed_at, one.message_id, one.reference)
            for view in views
            for one in view.deliveries
        ]

    async def _versions(self, number: str) -> list[DocumentRow]:
        found = await self._records.versions(Reference(PaymentRun.kind, number))
        return [DocumentRow(one.kind, one.key, one.version, from_micros(one.at_micros), one.message_id, one.who)
                for one in found]  # fmt: skip

    async def _is_ours(self, number: str) -> bool:
        """The payments of a run that was made here begin with its number."""
        return bool(await self._records.latest([Reference(PaymentRun.kind, number)]))

    # -------------------------------------------------------------- what belongs to them
    async def _rows(
        self,
        stands: Sequence[Stand],
        cases: Mapping[str, Sequence[Case]],
        runs: Iterable[str] = (),
        around: bool = True,
    ) -> list[PaymentRow]:
        """In the order given. `runs`: those whose reasons are told; `around` False: without invoices and suppliers."""
        payments = await self._documents(Payment, [one.dossier.removeprefix(_DOSSIERS) for one in stands])
        pays = [(one.supplier_number, part.invoice_number) for one in payments.values() for part in one.invoices]
        known = await self._around(pays, runs) if around else Around()
        return [
            payment_row(payment, one, [case_link(case) for case in cases.get(one.dossier, ())], known)
            for one in stands
            if (payment := payments.get(one.dossier.removeprefix(_DOSSIERS))) is not None
        ]

    async def _cases(self, begins: str) -> dict[str, list[Case]]:
        """The open ones, by payment."""
        found: defaultdict[str, list[Case]] = defaultdict(list)
        for case in await self._search.open_cases(begins):
            found[case.dossier].append(case)
        return found

    async def _around(self, invoices: Iterable[tuple[str, str]], runs: Iterable[str] = ()) -> Around:
        invoices = list(invoices)
        found = await self._documents(Invoice, [f"{supplier}/{number}" for supplier, number in invoices])
        orders = await self._documents(PurchaseOrder, [one.order_number for one in found.values() if one.order_number])
        suppliers = await self._documents(Supplier, [supplier for supplier, _ in invoices])
        why = {
            (line.payment_number, line.invoice_number): line.why
            for run in (await self._documents(PaymentRun, runs)).values()
            for line in run.lines
        }
        return Around(found, orders, suppliers, why)

    async def _documents(self, kind: type[D], keys: Iterable[str]) -> dict[str, D]:
        """The newest version of each, by its key."""
        found = await self._records.latest([Reference(kind.kind, key) for key in sorted(set(keys))])
        read_ = ((reference.key, read(record)) for reference, record in found.items())
        return {key: document for key, document in read_ if isinstance(document, kind)}


def _matches(row: PaymentRow, ask: PaymentAsk) -> bool:
    return (
        ask.group in (None, row.group)
        and ask.run in (None, row.run)
        and (ask.supplier is None or ask.supplier == row.supplier)
    )


def _stand(dossier: Dossier) -> Stand:
    """The last document's time: the store keeps that of the decision only in its own row."""
    return Stand(dossier.key, dossier.state, max((one.at_micros for one in dossier.records), default=0))


def _documents(dossier: Dossier) -> list[DocumentRow]:
    found = sorted(dossier.records, key=lambda one: (one.at_micros, one.kind, one.key, one.version))
    return [DocumentRow(one.kind, one.key, one.version, from_micros(one.at_micros), one.message_id, one.who)
            for one in found]  # fmt: skip


def _asked(cases: Sequence[Case]) -> tuple[str, ...]:
    facts: Iterable[Mapping[str, Any]] = (one.facts for one in cases if one.state == "open")
    return tuple(dict.fromkeys(str(name) for one in facts for name in one.get("asked", ())))
