"""Posting to several systems: one after the other, each once, and taken back in reverse when a later one refuses.

The plan and what became of it are data: the state of the dossier shows each step. Answers of the systems are documents
(`PostingResult`); what is to be done next follows from all of them, whatever their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec

from engine.canonical import Document, JournalEntry, PostingResult
from engine.procure.calendar import PostingDay, fiscal_year_of, posting_day
from engine.procure.decision import Decision, Finding, Intent, World
from engine.procure.papers import Papers
from engine.procure.policies import policies_of

UNDO = "undo_"


class Step(msgspec.Struct, frozen=True):
    """A command for one system. `undone_by` takes it back; empty: it cannot be taken back, so it comes last."""

    command: str
    system: str = "erp"
    undone_by: str = ""


class StepState(StrEnum):
    WAITING = "waiting"
    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"
    UNDOING = "undoing"
    UNDONE = "undone"
    NOT_UNDONE = "not_undone"


class SagaState(StrEnum):
    POSTING = "posting"
    POSTED = "posted"
    REFUSED = "refused"
    UNDOING = "undoing"
    UNDONE = "undone"
    STUCK = "stuck"


class StepStanding(msgspec.Struct, frozen=True):
    step: Step
    state: StepState
    answer: PostingResult | None = None

    @property
    def facts(self) -> dict[str, Any]:
        told = {"reference": self.answer.reference, "code": self.answer.code} if self.answer else {}
        return {"command": self.step.command, "system": self.step.system, "state": self.state.value, **told}


class Saga(msgspec.Struct, frozen=True):
    """Where a document's posting stands; `next` are the commands that are wanted now."""

    subject: Document
    state: SagaState
    steps: tuple[StepStanding, ...]
    next: tuple[Intent, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        return {"state": self.state.value, "steps": [one.facts for one in self.steps]}

    @property
    def refused(self) -> PostingResult | None:
        return next((one.answer for one in self.steps if one.state is StepState.REFUSED), None)


# What follows a command in other systems. A plan of one step is a plan, too: its answer closes the loop.
PLANS: Mapping[str, tuple[Step, ...]] = {
    "post_invoice": (Step("post_invoice", "erp", "undo_post_invoice"),),
    "post_journal": (Step("post_journal", "erp", "undo_post_journal"),),
    "create_order": (Step("create_order", "erp"),),
}


def saga_of(subject: Document, plan: Sequence[Step], answers: Sequence[PostingResult], attempt: int = 1) -> Saga:
    """
    Args:
        answers: newest version of each, of this subject or of others.
        attempt: counts up when a person asked for another try after it was undone or refused.
    """
    told = {
        (one.system, one.command): one
        for one in answers
        if (one.subject_kind, one.subject_key) == (subject.kind, subject.natural_key)
    }
    done = [told.get((one.system, one.command)) for one in plan]
    failed = next((n for n, one in enumerate(done) if one is not None and not one.ok), None)
    if failed is None:
        return _forward(subject, plan, done, attempt)
    return _backward(subject, plan, done, told, failed, attempt)


def _forward(subject: Document, plan: Sequence[Step], done: Sequence[PostingResult | None], attempt: int) -> Saga:
    first = next((n for n, one in enumerate(done) if one is None), len(plan))
    steps = tuple(StepStanding(one, _ahead(n, first), done[n]) for n, one in enumerate(plan))
    if first == len(plan):
        return Saga(subject, SagaState.POSTED, steps)
    return Saga(subject, SagaState.POSTING, steps, (_intent(plan[first].command, subject, attempt),))


def _ahead(place: int, first: int) -> StepState:
    if place < first:
        return StepState.DONE
    return StepState.ASKED if place == first else StepState.WAITING


def _backward(
    subject: Document,
    plan: Sequence[Step],
    done: Sequence[PostingResult | None],
    told: Mapping[tuple[str, str], PostingResult],
    failed: int,
    attempt: int,
) -> Saga:
    """From the last that was done to the first; one after the other."""
    steps: list[StepStanding] = []
    wanted: Intent | None = None
    for place in range(len(plan) - 1, -1, -1):
        step, answer = plan[place], done[place]
        if place == failed:
            steps.append(StepStanding(step, StepState.REFUSED, answer))
        elif answer is None or not answer.ok:
            steps.append(StepStanding(step, StepState.WAITING, answer))
        else:
            state = _undo_state(step, told, wanted)
            steps.append(StepStanding(step, state, told.get((step.system, step.undone_by), answer)))
            if state is StepState.UNDOING and wanted is None:
                wanted = _intent(step.undone_by, subject, attempt)
    return Saga(subject, _after_refusal(steps), tuple(reversed(steps)), (wanted,) if wanted else ())


def _undo_state(step: Step, told: Mapping[tuple[str, str], PostingResult], wanted: Intent | None) -> StepState:
    if not step.undone_by:
        return StepState.NOT_UNDONE
    answer = told.get((step.system, step.undone_by))
    if answer is None:
        return StepState.UNDOING if wanted is None else StepState.DONE
    return StepState.UNDONE if answer.ok else StepState.NOT_UNDONE


def _after_refusal(steps: Sequence[StepStanding]) -> SagaState:
    states = {one.state for one in steps}
    if StepState.NOT_UNDONE in states:
        return SagaState.STUCK
    if states & {StepState.UNDOING, StepState.DONE}:
        return SagaState.UNDOING
    return SagaState.UNDONE if StepState.UNDONE in states else SagaState.REFUSED


def _intent(command: str, subject: Document, attempt: int) -> Intent:
    return Intent(command, subject, str(attempt) if attempt > 1 else "")


# ------------------------------------------------------------------ in a decision
def followed(decision: Decision, papers: Papers, world: World, plans: Mapping[str, Sequence[Step]] = PLANS) -> Decision:
    """A decision with what became of its postings: their state, exceptions where a system refused, and what follows.

    Until a system answered, it is the decision as it was made.
    """
    answers = papers.newest(PostingResult)
    if not answers:
        return decision
    sagas = [(one, saga_of(one.document, plans[one.what], answers, _attempt(one)))
             for one in decision.intents if one.what in plans]  # fmt: skip
    following = tuple(one for _, saga in sagas for one in saga.next)
    postings = {f"{one.what}:{one.document.natural_key}": saga.facts for one, saga in sagas}
    return msgspec.structs.replace(
        decision,
        state={**decision.state, "postings": postings},
        findings=(*decision.findings, *(case for _, saga in sagas for case in _refused(saga))),
        intents=_once(decision, following),
    )


def _attempt(intent: Intent) -> int:
    return int(intent.detail) if intent.detail.isdigit() else 1


def _once(decision: Decision, following: Sequence[Intent]) -> tuple[Intent, ...]:
    """By key, the decision's own first: what was given is not given again."""
    return tuple({one.key: one for one in (*decision.intents, *following)}.values())


def _refused(saga: Saga) -> Iterator[Finding]:
    answer = saga.refused
    if answer is None:
        return
    stuck = saga.state is SagaState.STUCK
    yield Finding(
        "posting_half_done" if stuck else "posting_refused",
        f"{saga.subject.kind}/{saga.subject.natural_key}",
        "One system has it, another refused it, and it cannot be taken back" if stuck else "A system refused it",
        urgency="urgent" if stuck else None,
        flip=f"{answer.system} took it",
        facts={"system": answer.system, "code": answer.code or "", "posting": saga.facts},
    )


# ------------------------------------------------------------------ the day
def day_to_post(wanted: date, legal_entity: str | None, world: World) -> PostingDay:
    """The day itself, or the first one of the next open period: `moved` says so."""
    return posting_day(wanted, fiscal_year_of(policies_of(world), legal_entity))


def on_open_day(entry: JournalEntry, world: World) -> tuple[JournalEntry, PostingDay]:
    """An entry of a closed period counts in the next open one; its day and period say so."""
    day = day_to_post(entry.posted_on, entry.legal_entity, world)
    if not day.moved:
        return entry, day
    return entry.model_copy(update={"posted_on": day.day, "period": day.period.name}), day
