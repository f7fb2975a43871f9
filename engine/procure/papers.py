"""The documents of a dossier as deciders see them, and to which dossiers a document belongs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeVar

from engine.canonical import (
    KINDS,
    Approval,
    ApprovalAction,
    CaseAction,
    Document,
    FieldClaim,
    Invoice,
    OrderAcknowledgement,
    OrderChange,
    PurchaseOrder,
    Receipt,
    Requisition,
    ShipmentNotice,
)
from engine.core.errors import DocumentError
from engine.ports.procure import Dossier, Record
from engine.procure.matching.duplicate_keys import alike_dossiers
from engine.procure.suppliers.papers import belongs_to, number_dossier
from engine.procure.usage.opening import StockOpening
from engine.procure.usage.papers import beside, usage_dossiers

D = TypeVar("D", bound=Document)
T = TypeVar("T")
GATHERING = frozenset({"alike", "blanket", "changes", "commitments", "lot", "number", "settled"})
"""First words of dossiers that only gather documents of others, so that they are found: nothing is decided there."""
_REMEMBERED = 2048  # documents that were read: versions never change, and a matter is decided over again and again


class Paper(NamedTuple):
    """A version of a document with where it came from."""

    document: Document
    record: Record


class Papers:
    """All versions of all documents of one dossier. What is asked for does not depend on the order of their arrival."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.all = [Paper(read(record), record) for record in sorted(records)]
        self._made: dict[Hashable, Any] = {}

    @classmethod
    def of(cls, papers: Iterable[Paper]) -> Papers:
        """Of papers that were read already, in their order."""
        made = cls(())
        made.all = list(papers)
        return made

    @cached_property
    def _newest(self) -> dict[tuple[str, str], Paper]:
        return {(paper.record.kind, paper.record.key): paper for paper in self.all}  # versions are sorted

    def newest(self, kind: type[D]) -> list[D]:
        """The last version of each document of a kind, by key."""
        return list(self.once(("newest", kind), lambda: self._newest_of(kind)))

    def _newest_of(self, kind: type[D]) -> list[D]:
        return [paper.document for paper in self._newest.values() if isinstance(paper.document, kind)]

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        """What follows from these documents alone is worked out once, however many ask for it."""
        if what not in self._made:
            self._made[what] = make()
        found: T = self._made[what]
        return found

    def versions(self, kind: type[D]) -> list[D]:
        """Every version, by key and age."""
        return [paper.document for paper in self.all if isinstance(paper.document, kind)]

    def latest(self) -> Iterable[Paper]:
        """The last version of each document of every kind."""
        return self._newest.values()

    @cached_property
    def _oldest(self) -> dict[tuple[str, str], Paper]:
        return {(paper.record.kind, paper.record.key): paper for paper in reversed(self.all)}

    def first(self, document: Document) -> Paper:
        """Where its first version came from."""
        return self._oldest[document.kind, document.natural_key]

    def paper(self, document: Document) -> Paper:
        """Where the last version of this document came from."""
        return self._newest[document.kind, document.natural_key]


def read(record: Record) -> Document:
    """
    Raises:
        DocumentError: this release does not know the kind, or the version's shape.
    """
    return _read(record.kind, record.body)


@lru_cache(maxsize=_REMEMBERED)
def _read(name: str, body: bytes) -> Document:
    kind = StockOpening if name == StockOpening.kind else KINDS.get(name)
    if kind is None:
        raise DocumentError("this kind of document is not known", where=name, remedy="run a newer release")
    try:
        return kind.model_validate_json(body)
    except ValueError as error:
        raise DocumentError("a stored document has another shape now", where=name) from error


def dossiers_of(document: Document) -> tuple[str, ...]:
    """Its own dossier first, then those that look at it as well."""
    alike = alike_dossiers(document) if isinstance(document, Invoice) else ()
    return tuple(dict.fromkeys((*_own(document), *beside(document), *alike)))


def gathers(dossier: str) -> bool:
    """Whether nothing is decided over it, however much it holds."""
    return dossier.partition(":")[0] in GATHERING


def is_asked_for(dossier: str) -> bool:
    """Whether all that it gathers is looked at when a document comes to it: it holds a few that are alike."""
    return dossier.startswith("alike:")


def own_dossier(document: Document) -> str:
    """The one that it belongs to before all others."""
    return _own(document)[0]


def _own(document: Document) -> tuple[str, ...]:
    """A trade document belongs to its orders; without one, it stands alone."""
    if isinstance(document, CaseAction | Approval | ApprovalAction | FieldClaim):
        return (document.dossier,)
    if isinstance(document, PurchaseOrder) and document.blanket_number:
        return (f"order:{document.order_number}", releases_dossier(document.blanket_number))
    if isinstance(document, PurchaseOrder):
        asked_for = (number_dossier(one) for one in document.requisition_numbers)
        return (f"order:{document.order_number}", *asked_for)
    if isinstance(document, OrderChange):
        return (f"order:{document.order_number}", changes_dossier(document.order_number))
    if isinstance(document, Receipt | OrderAcknowledgement):
        return (f"order:{document.order_number}",)
    if isinstance(document, Invoice):
        return tuple(f"order:{one}" for one in orders_of(document)) or (f"invoice:{document.natural_key}",)
    if isinstance(document, ShipmentNotice):
        orders = sorted({line.order_number for line in document.lines if line.order_number})
        return tuple(f"order:{number}" for number in orders) or (f"shipment:{document.natural_key}",)
    if isinstance(document, Requisition):
        return (f"requisition:{document.requisition_number}",)
    return belongs_to(document) or usage_dossiers(document) or (f"{document.kind.lower()}:{document.natural_key}",)


def changes_dossier(order_number: str) -> str:
    """Where the changes of an order are found by those who need nothing else of it."""
    return f"changes:{order_number}"


def releases_dossier(order_number: str) -> str:
    """Where the releases of a standing order are kept together."""
    return f"blanket:{order_number}"


def orders_of(invoice: Invoice) -> tuple[str, ...]:
    """All that its lines are of; the first is its home, whose dossier decides over it."""
    numbers = {line.order_number or invoice.order_number for line in invoice.lines} - {None}
    first = invoice.order_number if invoice.order_number in numbers else None
    return tuple(sorted((one for one in numbers if one), key=lambda one: (one != first, one)))


def papers_of(dossier: Dossier) -> Papers:
    return Papers(dossier.records)
