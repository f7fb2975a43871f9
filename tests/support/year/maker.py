"""What all parts of the year share: its days, who says what when, and the troubles that are written down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from engine.canonical import CaseAction, CaseVerb, Document, PostingResult
from tests.support.year.network import CLERK, Seller, sellers
from tests.support.year.oracle import Oracle, Trouble

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
LAST = datetime(2026, 1, 1, tzinfo=UTC)
LOOK = timedelta(hours=6)  # of each day: when what is due is looked at; nothing else happens before seven
QUARTER = timedelta(minutes=15)  # everything happens at one: what comes at the same is decided together
DAYS = 300  # on which matters begin: those that began on the last of them end within the year


class Said(NamedTuple):
    """A document and when it came; `traced`: by a message. Those of one story follow one another."""

    at: datetime
    story: int
    document: Document
    who: str | None
    traced: bool


class Maker:
    def __init__(self, seed: int, suppliers: int) -> None:
        self.random, self.oracle, self.said = Random(seed), Oracle(), list[Said]()
        self.sellers: list[Seller] = sellers(self.random, suppliers)
        self.turns = self.story = 0

    # -------------------------------------------------------------- time
    def moment(self, day: int | None = None) -> datetime:
        """In the morning of a day of the year, between seven and nine."""
        chosen = self.random.randrange(DAYS) if day is None else day
        return FIRST + timedelta(days=chosen, hours=7) + self.random.randrange(8) * QUARTER

    def later(self, since: datetime, days: int, hour: int = 10) -> datetime:
        """So many days later, at about this hour."""
        return (since + timedelta(days=days)).replace(hour=hour, minute=0) + self.random.randrange(4) * QUARTER

    def soon(self, since: datetime, at_most: int = 3) -> datetime:
        """Up to so many quarters of an hour later."""
        return since + self.random.randint(1, at_most) * QUARTER

    def chance(self, of_thousand: int) -> bool:
        return self.random.randrange(1000) < of_thousand

    def chosen_seller(self) -> Seller:
        return self.random.choice(self.sellers)

    # -------------------------------------------------------------- documents
    def say(self, at: datetime, document: Document, who: str | None = None) -> None:
        traced = who is None and self.chance(700)
        self.turns += 1
        self.said.append(Said(at, self.story, document, who, traced))
        known = int(traced or who is not None)
        self.oracle.count("audit_traceability", at, known, 1, {"stage": document.kind})

    def answer(
        self, at: datetime, asked: datetime, dossier: str, command: str, subject: tuple[str, str],
        where: Mapping[str, str | None], ok: bool = True,
    ) -> None:  # fmt: skip
        """A system's answer; a good one is the end of a wait since `asked`."""
        kind, key = subject
        told = PostingResult(
            dossier=dossier, command=command, subject_kind=kind, subject_key=key, ok=ok, answered_at=at,
            posted_on=at.date(),
        )  # fmt: skip
        self.say(at, told)
        if ok:
            self.oracle.took("posting_latency", asked, at, {**where, "stage": "ledger"})

    def act(self, at: datetime, dossier: str, trouble: str, place: str, verb: CaseVerb = CaseVerb.ACCEPT) -> None:
        """A person does something about an exception."""
        self.turns += 1
        self.say(
            at,
            CaseAction(
                action_number=f"A-{self.turns}", case_id=f"{dossier}#{trouble}#{place}", dossier=dossier, action=verb,
                who=CLERK, at=at, case_type=trouble, place=place, reason="looked at",
            ),
            who=CLERK,
        )  # fmt: skip

    # -------------------------------------------------------------- troubles
    def trouble(
        self, type_: str, began: datetime, ended: datetime | None, where: Mapping[str, str | None],
        amount: Decimal | None = None, currency: str = "USD",
    ) -> Trouble:  # fmt: skip
        made = Trouble(type_, began, ended, dict(where), amount, currency if amount is not None else None)
        self.oracle.troubles.append(made)
        return made

    def look_at(self, moment: datetime) -> datetime:
        """The first look at what is due, not before this moment."""
        look = moment.replace(hour=0, minute=0, second=0, microsecond=0) + LOOK
        return look if look >= moment else look + timedelta(days=1)


def weekday_after(day: date, number: int) -> date:
    """The `number`-th business day after a day; a day at the weekend counts as the Monday after it."""
    while day.weekday() > 4:
        day += timedelta(days=1)
    for _ in range(number):
        day += timedelta(days=1)
        while day.weekday() > 4:
            day += timedelta(days=1)
    return day
