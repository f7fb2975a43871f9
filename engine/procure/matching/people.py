"""What people did about an invoice: corrections and splits that it is matched with, and what they let pass."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from engine.canonical import (
    AdviceAction,
    AdvisedDocument,
    AdvisedFault,
    ApplicationAdvice,
    CaseAction,
    CaseVerb,
    Invoice,
    InvoiceLine,
    Receipt,
)
from engine.procure.decision import Finding, World
from engine.procure.matching.accepted import still_open
from engine.procure.papers import Papers

_FIELD = re.compile(r"lines\[(\d{1,4})\]\.(order_line_number|item_number|cost_center)$")
# Exceptions of a line, whose place ends with its number; and the words that places of a whole invoice end with.
_OF_LINES = frozenset({
    "contract_price_differs", "dimension_invalid", "dimension_unknown", "item_differs", "line_amount_differs",
    "line_not_ordered", "price_above_tolerance", "price_below_tolerance", "quantity_above_ordered",
    "quantity_not_accepted", "quantity_not_received", "unit_unknown",
})  # fmt: skip
_PARTS = frozenset({"account", "discount", "number", "original"})
_PASSING = (CaseVerb.ACCEPT, CaseVerb.RELEASE)
SENT_BACK = (CaseVerb.REJECT, CaseVerb.RETURN_TO_SUPPLIER)
_DECIDING = (*_PASSING, CaseVerb.REJECT, CaseVerb.REOPEN, CaseVerb.HOLD, CaseVerb.RETURN_TO_SUPPLIER)


class Acts:
    """The actions of a dossier, in the order in which people did them."""

    def __init__(self, papers: Papers) -> None:
        self._papers = papers
        by_receipts = {f"{one.supplier_number}/ERS-{one.receipt_number}" for one in papers.newest(Receipt)}
        self._keys = by_receipts | {one.natural_key for one in papers.newest(Invoice)}
        self._all = sorted(papers.newest(CaseAction), key=lambda one: (one.at, one.action_number))

    def about(self, key: str) -> list[CaseAction]:
        """Of an invoice and its lines."""
        return [one for one in self._all if self._invoice_of(one) == key]

    def _invoice_of(self, act: CaseAction) -> str:
        """Suppliers number parts of an invoice 4711/1: that is a line of 4711 where the exception is of a line."""
        place = act.place or ""
        whole, _, part = place.rpartition("/")
        of_part = act.case_type in _OF_LINES or part in _PARTS
        return whole if whole in self._keys and (of_part or place not in self._keys) else place

    def last(self, key: str) -> CaseAction | None:
        """The one that decides what becomes of the invoice."""
        return next((one for one in reversed(self.about(key)) if one.action in _DECIDING), None)

    def corrected(self, invoice: Invoice) -> Invoice:
        """The invoice as people read it; what the supplier wrote is kept as it was."""
        lines: list[InvoiceLine] = list(invoice.lines)
        for act in self.about(invoice.natural_key):
            if act.action is CaseVerb.CORRECT:
                lines = [_correct(line, act) for line in lines]
            if act.action is CaseVerb.SPLIT:
                lines = [part for line in lines for part in _split(line, act)]
        return invoice if lines == list(invoice.lines) else invoice.model_copy(update={"lines": tuple(lines)})

    def open(self, findings: Iterable[Finding], world: World) -> tuple[Finding, ...]:
        """Without what people let pass; above the limit of the policies two of them must."""
        return still_open(findings, self._papers, world)


def _correct(line: InvoiceLine, act: CaseAction) -> InvoiceLine:
    told: dict[str, Any] = {}
    for one in act.corrections:
        field = _FIELD.match(one.field)
        if field and int(field[1]) == line.number:
            number = field[2] == "order_line_number" and one.value is not None and one.value.isdecimal()
            told[field[2]] = int(one.value) if number and one.value is not None else one.value
    return line.model_copy(update=told) if told else line


def _split(line: InvoiceLine, act: CaseAction) -> Sequence[InvoiceLine]:
    """The parts of a line, when they make up all of it."""
    parts = [one for one in act.parts if one.line == line.number and one.quantity.unit == line.quantity.unit]
    if not parts or sum(one.quantity.amount for one in parts) != line.quantity.amount:
        return [line]
    return [
        line.model_copy(update={"quantity": one.quantity, "order_line_number": one.order_line_number}) for one in parts
    ]


def advice_of(invoice: Invoice, act: CaseAction) -> ApplicationAdvice:
    """Tells the supplier that its invoice goes back (824)."""
    fault = AdvisedFault(code=act.code or "024")
    told = AdvisedDocument(
        action=AdviceAction.REJECTED, scheme="IV", number=invoice.invoice_number, transaction_set="810", faults=(fault,)
    )
    return ApplicationAdvice(
        advice_number=f"A-{invoice.invoice_number}", supplier_number=invoice.supplier_number, documents=(told,)
    )
