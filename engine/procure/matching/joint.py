"""All invoices and credits of an order judged together: what was received less what went back, against what was
invoiced less what is credited, whichever of them came first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from engine.canonical import Invoice
from engine.procure.decision import Finding, World
from engine.procure.matching.book import Book, Matched
from engine.procure.matching.match import Match
from engine.procure.matching.validate_invoice import sum_differs
from engine.procure.waiting import Waiting


class Claim:
    """An invoice with its parts, one of each of its orders; the first is of the order whose dossier decides.

    Args:
        faults: open exceptions that do not depend on other invoices of the order.
        waits: for orders that are not known yet.
    """

    def __init__(
        self, invoice: Invoice, parts: Sequence[Match], posted: bool,
        faults: Sequence[Finding] = (), waits: Sequence[Waiting] = (),
    ) -> None:  # fmt: skip
        self.invoice, self.parts, self.posted = invoice, tuple(parts), posted
        self.faults, self.waits = tuple(faults), tuple(waits)
        self.key = invoice.natural_key
        self.is_credit = bool(parts) and parts[0].sign < 0

    @property
    def uses(self) -> Matched:
        """Of the order whose dossier decides."""
        return self.parts[0].uses if self.parts else Matched()

    @property
    def of_figures(self) -> list[Finding]:
        """What its figures found; judging repeats them."""
        return [one for part in self.parts for one in part.of_figures]

    def judged(self, world: World) -> Matched:
        made = [one.judged() for one in self.parts]
        if len(made) == 1:
            return msgspec.structs.replace(made[0], waiting=(*made[0].waiting, *self.waits)) if self.waits else made[0]
        findings = [one for part in made for one in part.findings]
        if made and not self.waits and all(one.known for one in self.parts):
            findings += sum_differs(self.invoice, sum((one.extended for one in self.parts), Decimal(0)), world)
        return Matched(
            findings=tuple(findings),
            waiting=(*(one for part in made for one in part.waiting), *self.waits),
            used=made[0].used if made else {},
            charged=made[0].charged if made else 0,
            worth=made[0].worth if made else 0,
            ways={place: ways for part in made for place, ways in part.ways.items()},
        )


Passing = Callable[[Claim, Matched], bool]


def settle(claims: Sequence[Claim], book: Book, world: World, passing: Passing) -> dict[str, Matched]:
    """What became of each, by its key.

    A credit that nothing else stands against counts from the start: the invoice that it lowers may need it. When more
    would be credited than is invoiced, the last such credit is held, and all are judged once more without it.

    Args:
        claims: what is posted first, then in the order of their dates.
        passing: whether it may be posted as it was judged.
    """
    held: set[str] = set()
    while True:
        counted = [one for one in claims if one.is_credit and one.key not in held and (one.posted or not one.faults)]
        found = _round(claims, counted, book, world, passing)
        over = [one for one in counted if not one.posted and not passing(one, found[one.key])]
        if not over:
            return found
        held.add(over[-1].key)


def _round(
    claims: Sequence[Claim], counted: Sequence[Claim], book: Book, world: World, passing: Passing
) -> dict[str, Matched]:
    found: dict[str, Matched] = {}
    book.clear()
    for one in counted:
        book.use(one.uses)
    for one in claims:
        if not one.is_credit:
            found[one.key] = one.judged(world)
            if one.posted or passing(one, found[one.key]):
                book.use(found[one.key])
    for one in claims:
        if one.is_credit:
            own = one in counted
            if own:
                book.use(one.uses, -1)
            found[one.key] = one.judged(world)
            if own:
                book.use(one.uses)
    return found
