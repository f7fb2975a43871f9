"""What would be posted in a closed period is posted in the next open one; the reason goes along."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from engine.canonical import Invoice, JournalEntry, JournalLine, Money
from engine.channel.policies import Policies
from engine.channel.policy_calendars import Calendars, FiscalYear
from engine.procure.deciders import decide
from engine.procure.decision import Decision, Intent, World
from engine.procure.postings.open_day import on_open_days
from tests.support.dossiers import Dossiers
from tests.support.purchases import invoice, order, receipt

CLOSED = FiscalYear(first_month=7, closed_through=date(2026, 9, 30))
CASES = [
    # accounting day wanted, fiscal year, day that it is posted on (None: as wanted)
    ("2026-10-01", CLOSED, None),
    ("2026-09-30", CLOSED, "2026-10-01"),
    ("2026-03-15", CLOSED, "2026-10-01"),
    ("2026-08-31", FiscalYear(closed_through=date(2026, 9, 30), open_months=("2026-08",)), None),
    ("2026-07-31", FiscalYear(closed_through=date(2026, 9, 30), open_months=("2026-08",)), "2026-08-01"),
    ("2026-11-20", FiscalYear(closed_months=("2026-11", "2026-12")), "2027-01-01"),
    ("2026-11-09", FiscalYear(closed_through=date(2026, 11, 10)), "2026-11-11"),
    ("2026-11-09", FiscalYear(), None),
]


def world_of(year: FiscalYear, entity: str = "default") -> World:
    years = {"default": FiscalYear(), entity: year}
    return Dossiers(Policies(calendars=Calendars(legal_entities=years))).world()


def entry_of(day: str, description: str | None = None) -> JournalEntry:
    five = Money(amount=Decimal(5))
    lines = (JournalLine(account="1", debit=five), JournalLine(account="2", credit=five))
    return JournalEntry(entry_number="J1", posted_on=date.fromisoformat(day), lines=lines, description=description)


def invoice_of(day: str) -> Invoice:
    return invoice().model_copy(update={"invoiced_on": date.fromisoformat(day)})


@pytest.mark.parametrize(("wanted", "year", "posted_on"), CASES)
def test_an_invoice_is_posted_on_an_open_day(wanted: str, year: FiscalYear, posted_on: str | None) -> None:
    decision = on_open_days(Decision({}, intents=(Intent("post_invoice", invoice_of(wanted)),)), world_of(year))

    (intent,) = decision.intents
    assert isinstance(intent.document, Invoice)
    assert intent.document.invoiced_on.isoformat() == wanted
    assert intent.document.posted_on == (date.fromisoformat(posted_on) if posted_on else None)
    assert ("posting_days" in decision.state) is (posted_on is not None)


@pytest.mark.parametrize(("wanted", "year", "posted_on"), CASES)
def test_an_entry_is_posted_on_an_open_day(wanted: str, year: FiscalYear, posted_on: str | None) -> None:
    decision = on_open_days(Decision({}, intents=(Intent("post_journal", entry_of(wanted)),)), world_of(year))

    (intent,) = decision.intents
    assert isinstance(intent.document, JournalEntry)
    assert intent.document.posted_on.isoformat() == (posted_on or wanted)


def test_the_reason_is_kept_in_what_is_posted_and_shown_in_the_state() -> None:
    intents = (Intent("post_invoice", invoice_of("2026-09-28")), Intent("post_journal", entry_of("2026-09-28")))
    decision = on_open_days(Decision({}, intents=intents), world_of(CLOSED))
    posted, entry = (one.document for one in decision.intents)
    reason = "Posted on 2026-10-01: the period of 2026-09-28 is closed"

    assert isinstance(posted, Invoice)
    assert isinstance(entry, JournalEntry)
    assert (posted.notes, entry.description, entry.period) == ((reason,), reason, "2027-04")
    assert decision.state["posting_days"]["post_invoice:S1/I-1"] == {
        "wanted": "2026-09-28", "posted_on": "2026-10-01", "because": "period_closed", "period": "2027-04",
    }  # fmt: skip


def test_words_that_an_entry_has_are_kept() -> None:
    decision = on_open_days(
        Decision({}, intents=(Intent("post_journal", entry_of("2026-09-28", "Accrual")),)), world_of(CLOSED)
    )

    assert isinstance(decision.intents[0].document, JournalEntry)
    assert decision.intents[0].document.description == "Accrual"


def test_only_the_legal_entity_whose_period_is_closed_is_moved() -> None:
    world = world_of(CLOSED, "HH-NORTH")
    north = invoice_of("2026-09-28").model_copy(update={"legal_entity": "HH-NORTH"})
    decision = on_open_days(
        Decision({}, intents=(Intent("post_invoice", north), Intent("post_invoice", invoice_of("2026-09-28"), "2"))),
        world,
    )

    assert list(decision.state["posting_days"]) == [decision.intents[0].key]


def test_what_is_not_posted_keeps_its_day() -> None:
    wish = Decision({}, intents=(Intent("undo_post_invoice", invoice_of("2026-09-28")),))

    assert on_open_days(wish, world_of(CLOSED)) is wish


def test_a_matched_invoice_of_a_closed_period_is_asked_for_on_the_open_day() -> None:
    papers = Dossiers(Policies(calendars=Calendars(legal_entities={"default": FiscalYear(closed_months=("2026-11",))})))
    for document in (order(), receipt(), invoice()):
        papers.take(document)
    decision = decide("order:PO-1", papers.papers("order:PO-1"), papers.world())

    (posting,) = [one for one in decision.intents if one.what == "post_invoice"]
    assert isinstance(posting.document, Invoice)
    assert posting.document.posted_on == date(2026, 12, 1)
