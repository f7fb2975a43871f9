"""Posting to several systems: in order, each once, taken back in reverse; whatever order the answers come in."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.canonical import HeldThere, Invoice, InvoiceLine, JournalEntry, JournalLine, Money, PostingResult, Quantity
from engine.channel.policies import Policies
from engine.channel.policy_calendars import Calendars, FiscalYear
from engine.procure.decision import Decision, Intent
from engine.procure.postings.posting import PLANS, Saga, SagaState, Step, day_to_post, followed, on_open_day, saga_of
from tests.support.dossiers import Dossiers

LINE = InvoiceLine(number=1, quantity=Quantity(amount=Decimal(1)), price=Money(amount=Decimal(5)))
INVOICE = Invoice(
    invoice_number="I1", supplier_number="S1", invoiced_on=date(2026, 11, 16), lines=(LINE,),
    stated_total=Money(amount=Decimal(5)),
)  # fmt: skip
PLAN = (Step("a", "one", "undo_a"), Step("b", "two", "undo_b"), Step("c", "three"))


def answered(command: str, ok: bool = True, system: str | None = None) -> PostingResult:
    systems = {"a": "one", "undo_a": "one", "b": "two", "undo_b": "two", "c": "three"}
    return PostingResult(
        dossier="invoice:S1/I1", command=command, system=system or systems[command], subject_kind="Invoice",
        subject_key="S1/I1", ok=ok, answered_at=datetime(2026, 11, 16, tzinfo=UTC), reference="7" if ok else None,
        code=None if ok else "E1",
    )  # fmt: skip


def wanted(saga: Saga) -> list[str]:
    return [one.what for one in saga.next]


def at(*answers: PostingResult) -> Saga:
    return saga_of(INVOICE, PLAN, answers)


def test_each_step_waits_for_the_one_before() -> None:
    assert wanted(at()) == ["a"]
    assert wanted(at(answered("a"))) == ["b"]
    assert wanted(at(answered("a"), answered("b"))) == ["c"]
    assert at(answered("a"), answered("b"), answered("c")).state is SagaState.POSTED


def test_what_was_done_is_taken_back_in_reverse() -> None:
    refused = (answered("a"), answered("b"), answered("c", ok=False))
    assert (at(*refused).state, wanted(at(*refused))) == (SagaState.UNDOING, ["undo_b"])
    assert wanted(at(*refused, answered("undo_b"))) == ["undo_a"]

    done = at(*refused, answered("undo_b"), answered("undo_a"))

    assert (done.state, wanted(done)) == (SagaState.UNDONE, [])
    assert [one["state"] for one in done.facts["steps"]] == ["undone", "undone", "refused"]


def test_the_first_that_is_refused_takes_nothing_back() -> None:
    assert (at(answered("a", ok=False)).state, wanted(at(answered("a", ok=False)))) == (SagaState.REFUSED, [])


def test_what_cannot_be_taken_back_is_stuck_and_a_case() -> None:
    saga = at(answered("a"), answered("b", ok=False), answered("undo_a", ok=False))

    assert saga.state is SagaState.STUCK


def test_the_answer_given_last_counts_whichever_came_first() -> None:
    early = answered("a", ok=False)
    late = answered("a").model_copy(update={"answered_at": early.answered_at + timedelta(minutes=5)})

    assert [wanted(at(*turn)) for turn in ((early, late), (late, early))] == [["b"], ["b"]]


def test_who_is_asked_twice_and_refuses_because_it_has_ours_has_taken_it() -> None:
    def again(reference: str) -> PostingResult:
        at_ = answered("a").answered_at + timedelta(minutes=5)
        holds = HeldThere(reference=reference, is_posted=True)
        return answered("a", ok=False).model_copy(update={"answered_at": at_, "holds": holds})

    assert wanted(at(answered("a"), again("7"))) == ["b"]
    assert at(answered("a"), again("8")).state is SagaState.REFUSED  # what people entered there is another one


def test_answers_about_other_documents_say_nothing() -> None:
    other = answered("a").model_copy(update={"subject_key": "S1/I2"})

    assert wanted(at(other)) == ["a"]


_ANSWERS = st.dictionaries(st.sampled_from(["a", "b", "c", "undo_a", "undo_b"]), st.booleans())


@settings(max_examples=100, deadline=None)
@given(_ANSWERS)
def test_the_order_of_answers_does_not_matter_and_one_thing_is_wanted_at_a_time(told: dict[str, bool]) -> None:
    answers = [answered(command, ok) for command, ok in told.items()]
    found = {
        repr(at(*turn).facts) + repr(wanted(at(*turn)))
        for turn in itertools.islice(itertools.permutations(answers), 24)
    }

    assert len(found) == 1
    assert len(at(*answers).next) <= 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.booleans(), min_size=8, max_size=8))
def test_played_to_its_end_all_is_posted_or_all_is_taken_back(oks: list[bool]) -> None:
    """Undoing always works here: then nothing stays that is half done."""
    answers: list[PostingResult] = []
    for ok in oks:
        saga = at(*answers)
        if not saga.next:
            break
        (intent,) = saga.next
        answers.append(answered(intent.what, ok or intent.what.startswith("undo")))

    assert at(*answers).state in (SagaState.POSTED, SagaState.UNDONE, SagaState.REFUSED)


def test_a_refused_posting_is_a_case_in_the_documents_own_dossier() -> None:
    here = Dossiers()
    here.take(answered("post_invoice", ok=False, system="erp"))
    decision = Decision({"state": "matched"}, (), (Intent("post_invoice", INVOICE),))

    found = followed(decision, here.papers("invoice:S1/I1"), here.world(), PLANS)

    (case,) = found.findings
    assert (case.type, case.facts["code"]) == ("posting_refused", "E1")
    assert found.state["postings"]["post_invoice:S1/I1"]["state"] == "refused"


def test_a_posted_one_shows_its_number_there() -> None:
    here = Dossiers()
    here.take(answered("post_invoice", system="erp"))
    decision = Decision({}, (), (Intent("post_invoice", INVOICE),))

    found = followed(decision, here.papers("invoice:S1/I1"), here.world())

    (step,) = found.state["postings"]["post_invoice:S1/I1"]["steps"]
    assert (step["state"], step["reference"]) == ("done", "7")
    assert found.findings == ()


def closed(until: date) -> Dossiers:
    year = FiscalYear(closed_through=until)
    return Dossiers(Policies(calendars=Calendars(legal_entities={"default": year})))


def test_a_day_of_a_closed_period_is_posted_on_the_next_open_one_and_flagged() -> None:
    world = closed(date(2026, 10, 31)).world()

    assert day_to_post(date(2026, 11, 1), None, world).moved is False
    moved = day_to_post(date(2026, 10, 31), None, world)
    assert (moved.day, moved.moved, moved.period.name) == (date(2026, 11, 1), True, "2026-11")


def test_an_entry_goes_along_with_its_period() -> None:
    five = Money(amount=Decimal(5))
    lines = (JournalLine(account="1", debit=five), JournalLine(account="2", credit=five))
    entry = JournalEntry(entry_number="J1", posted_on=date(2026, 10, 30), lines=lines)

    moved, day = on_open_day(entry, closed(date(2026, 10, 31)).world())

    assert (moved.posted_on, moved.period, day.moved) == (date(2026, 11, 1), "2026-11", True)
