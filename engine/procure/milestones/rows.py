"""What the makers of rows share: when a document came, and what an order and its invoices are told apart by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from engine.canonical import (
    CaseVerb,
    Consumption,
    Document,
    Invoice,
    Money,
    Payment,
    PurchaseOrder,
    Requisition,
    Supplier,
)
from engine.ports.measures import Milestone, units_of
from engine.ports.procure import Case
from engine.procure.decision import text_of
from engine.procure.papers import Papers

IDLE = frozenset({CaseVerb.COMMENT, CaseVerb.REASSIGN})
"""What people do with an exception without deciding it."""
_EPOCH = date(1970, 1, 1)


def day_number(day: date | None) -> int | None:
    """Days since 1970."""
    return None if day is None else (day - _EPOCH).days


def money(amount: Money | None) -> dict[str, Any]:
    """The columns of an amount."""
    if amount is None:
        return {}
    return {"amount": text_of(amount.amount), "units": units_of(amount.amount), "currency": amount.currency}


def number(amount: Decimal | int) -> dict[str, Any]:
    return {"amount": text_of(Decimal(amount)), "units": units_of(Decimal(amount))}


def only(values: Iterable[str | None]) -> str | None:
    """The one value of all that name one; None: there are none, or several."""
    found = {one for one in values if one}
    return next(iter(found)) if len(found) == 1 else None


class Rows:
    """Makes the rows of one dossier."""

    def __init__(self, dossier: str, papers: Papers) -> None:
        self.dossier, self.papers = dossier, papers

    def row(self, what: str, stage: str, document: Document, **more: Any) -> Milestone:
        """Of a document, from when it first came; `more` are the columns that are not taken from it."""
        record = self.papers.first(document).record
        usual = {
            "key": document.natural_key, "kind": document.kind, "dossier": self.dossier, "stage": stage,
            "at_micros": record.at_micros, "who": record.who,
            "supplier": getattr(document, "supplier_number", None), "facility": getattr(document, "facility", None),
            "category": getattr(document, "category", None), "department": getattr(document, "department", None),
        }  # fmt: skip
        return Milestone(what=what, **{**usual, **more})

    def traded(self, what: str, stage: str, document: Any, **more: Any) -> Milestone:
        """Of a document of an order: what it does not say of itself, its order does."""
        order = self.order
        facility, category = getattr(document, "facility", None), getattr(document, "category", None)
        if order is not None:
            facility, category = facility or order.facility, category or self.category
        matter = {"matter": getattr(document, "order_number", None), "facility": facility, "category": category}
        return self.row(what, stage, document, **{**matter, **more})

    def about(self, invoice: str | None) -> dict[str, str | None]:
        """Facility, supplier and category of an invoice, as its order completes them; else of what the dossier is of:
        answers, cases and people's decisions do not repeat them all."""
        subjects = [*(one for one in self.papers.newest(Invoice) if one.natural_key == invoice), *self._subjects]
        found = {
            name: next((value for one in subjects if (value := getattr(one, field, None))), None)
            for name, field in (("facility", "facility"), ("supplier", "supplier_number"), ("category", "category"))
        }
        return {**found, "category": found["category"] or self.category}

    @cached_property
    def _subjects(self) -> list[Document]:
        kinds = (PurchaseOrder, Requisition, Payment, Supplier, Consumption)
        return [one for kind in kinds for one in self.papers.newest(kind)]

    @cached_property
    def order(self) -> PurchaseOrder | None:
        return next(iter(self.papers.newest(PurchaseOrder)), None)

    @cached_property
    def category(self) -> str | None:
        order = self.order
        return (order.category or only(line.category for line in order.lines)) if order else None


def invoice_at(case: Case, papers: Papers) -> str | None:
    """Key of the invoice that a case is about: it stands at `S1/INV-1`, `S1/INV-1/2`, `S1/INV-1:2`, or, when a system
    refused it, at `Invoice/S1/INV-1`."""
    return invoice_of_place(case.case_id.removeprefix(f"{case.dossier}#{case.type}#"), papers)


def invoice_of_place(place: str, papers: Papers) -> str | None:
    return max(_standing_at(place.removeprefix(f"{Invoice.kind}/"), papers), key=len, default=None)


def _standing_at(place: str, papers: Papers) -> Iterator[str]:
    for one in papers.newest(Invoice):
        key = one.natural_key
        if place == key or place.startswith((f"{key}/", f"{key}:")):
            yield key
