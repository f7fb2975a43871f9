"""Posting to several systems: one after the other, each once, and taken back in reverse when a later one refuses.

The plan (config/policies/postings.yaml) and what became of it are data: the state of the dossier shows each step.
Answers of the systems are documents (`PostingResult`); what is to be done next follows from all of them, whatever their
order. An answer says which command it is of, so that one to an earlier try says nothing of a later one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec

from engine.canonical import Document, Invoice, JournalEntry, PostingResult, Supplier
from engine.channel.policies import Policies
from engine.procure.calendar import PostingDay, fiscal_year_of, posting_day
from engine.procure.decision import Decision, Finding, Intent, World
from engine.procure.matching.accepted import still_open
from engine.procure.papers import Papers
from engine.procure.policies import policies_of
from engine.procure.postings.twins import POST, Attempt, attempt_of, place_of, rejected, twin_finding

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


# Without a plan in the policies. A plan of one step is a plan, too: its answer closes the loop.
PLANS: Mapping[str, tuple[Step, ...]] = {
    "post_invoice": (Step("post_invoice", "erp", "undo_post_invoice"),),
    "post_journal": (Step("post_journal", "erp", "undo_post_journal"),),
    "create_order": (Step("create_order", "erp"),),
}


@lru_cache(maxsize=16)
def plans_of(policies: Policies) -> Mapping[str, tuple[Step, ...]]:
    """By the command that begins each; those of the policies before the usual ones."""
    own = {
        one.command: tuple(Step(step.command, step.system, step.undone_by or "") for step in one.steps)
        for one in policies.postings.plans
    }
    return {**PLANS, **own}


def saga_of(
    subject: Document,
    plan: Sequence[Step],
    answers: Sequence[PostingResult],
    detail: str = "",
    before: Document | None = None,
) -> Saga:
    """
    Args:
        answers: of this subject or of others; the last of each command counts, by when it was answered.
        detail: of the intents; tells one try from the next.
        before: what an undo command is to bring back, when that is not the subject itself.
    """
    tried = _Try(subject, detail, before or subject)
    told = _told(one for one in answers if tried.is_answered_by(one))
    done = [told.get((one.system, one.command)) for one in plan]
    failed = next((n for n, one in enumerate(done) if one is not None and not one.ok), None)
    if failed is not None:
        return _backward(tried, plan, done, told, failed)
    if any((undone := told.get((one.system, one.undone_by))) is not None and undone.ok for one in plan):
        return _half(tried, plan, done, told)
    return _forward(tried, plan, done)


def _told(answers: Iterable[PostingResult]) -> dict[tuple[str, str], PostingResult]:
    """By system and command. Who is asked twice and refuses because of what the first time made, has taken it."""
    told: dict[tuple[str, str], PostingResult] = {}
    for one in sorted(answers, key=lambda answer: answer.answered_at):
        before = told.get((one.system, one.command))
        if before is None or not _is_its_own(one, before):
            told[one.system, one.command] = one
    return told


def _is_its_own(refusal: PostingResult, taken: PostingResult) -> bool:
    holds = refusal.holds.reference if refusal.holds is not None and not refusal.ok else None
    return taken.ok and holds is not None and holds == taken.reference


class _Try(msgspec.Struct, frozen=True):
    """One run through a plan."""

    subject: Document
    detail: str
    before: Document

    def is_answered_by(self, answer: PostingResult) -> bool:
        subject = self.subject
        if (answer.subject_kind, answer.subject_key) != (subject.kind, subject.natural_key):
            return False
        return answer.command_key in (None, Intent(answer.command, subject, self.detail).key)

    def forward(self, step: Step) -> Intent:
        return Intent(step.command, self.subject, self.detail)

    def back(self, step: Step) -> Intent:
        return Intent(step.undone_by, self.before, self.detail)


def _forward(tried: _Try, plan: Sequence[Step], done: Sequence[PostingResult | None]) -> Saga:
    first = next((n for n, one in enumerate(done) if one is None), len(plan))
    steps = tuple(StepStanding(one, _ahead(n, first), done[n]) for n, one in enumerate(plan))
    if first == len(plan):
        return Saga(tried.subject, SagaState.POSTED, steps)
    return Saga(tried.subject, SagaState.POSTING, steps, (tried.forward(plan[first]),))


def _half(
    tried: _Try,
    plan: Sequence[Step],
    done: Sequence[PostingResult | None],
    told: Mapping[tuple[str, str], PostingResult],
) -> Saga:
    """What was refused was done after all, when the steps before it had been taken back: a person decides."""
    steps = []
    for step, answer in zip(plan, done, strict=True):
        undone = told.get((step.system, step.undone_by))
        if undone is not None and undone.ok:
            steps.append(StepStanding(step, StepState.UNDONE, undone))
        else:
            steps.append(StepStanding(step, StepState.WAITING if answer is None else StepState.DONE, answer))
    return Saga(tried.subject, SagaState.STUCK, tuple(steps))


def _ahead(place: int, first: int) -> StepState:
    if place < first:
        return StepState.DONE
    return StepState.ASKED if place == first else StepState.WAITING


def _backward(
    tried: _Try,
    plan: Sequence[Step],
    done: Sequence[PostingResult | None],
    told: Mapping[tuple[str, str], PostingResult],
    failed: int,
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
                wanted = tried.back(step)
    return Saga(tried.subject, _after_refusal(steps), tuple(reversed(steps)), (wanted,) if wanted else ())


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


# ------------------------------------------------------------------ in a decision
def followed(
    decision: Decision, papers: Papers, world: World, plans: Mapping[str, Sequence[Step]] | None = None
) -> Decision:
    """A decision with what became of its postings: their state, exceptions where a system refused, and what follows.

    Until a system answered, it is the decision as it was made.
    """
    answers = papers.versions(PostingResult)
    if not answers:
        return decision
    plans = plans_of(policies_of(world)) if plans is None else plans
    made = {
        one.key: _Posting(one, attempt_of(one.document, papers, world, _CASES), papers, plans[one.what], answers)
        for one in decision.intents
        if one.what in plans
    }
    first = tuple(made[one.key].first if one.key in made else one for one in decision.intents)
    following = tuple(intent for one in made.values() for intent in one.following)
    postings = {f"{one.intent.what}:{one.intent.document.natural_key}": one.facts for one in made.values()}
    twins = [found for one in made.values() for found in one.twins(world)]
    cases = still_open((case for one in made.values() for case in one.cases), papers, world)
    waits = [one.attempt.awaited for one in made.values() if one.attempt.awaited is not None]
    looks = [one for one in (decision.look_again_at, *(one.until for one in waits)) if one is not None]
    ended = {one.intent.document.natural_key: one.rejected_by for one in made.values() if one.rejected_by}
    return msgspec.structs.replace(
        decision,
        state={**rejected(decision.state, ended), "postings": postings},
        findings=(*decision.findings, *twins, *cases),
        intents=_once(first, following),
        look_again_at=min(looks, default=None),
    )


class _Posting:
    """One wish of a decision, as its systems answered and people decided."""

    def __init__(
        self, intent: Intent, attempt: Attempt, papers: Papers, plan: Sequence[Step], answers: Sequence[PostingResult]
    ) -> None:
        self.intent, self.attempt = attempt.of(intent), attempt
        if attempt.adopted is not None:  # what people entered in the ERP is not taken back there
            plan = [msgspec.structs.replace(one, undone_by="") if one.command == POST else one for one in plan]
        before = _before(intent.document, papers)
        self.saga = saga_of(intent.document, plan, answers, self.intent.detail, before)
        refused = self.saga.refused
        self.theirs = refused.holds if refused is not None else None

    @property
    def facts(self) -> dict[str, Any]:
        awaited = self.attempt.awaited
        return self.saga.facts if awaited is None else {**self.saga.facts, **awaited.state}

    @property
    def rejected_by(self) -> str | None:
        """Of what was refused: what a system took after all is there."""
        return self.attempt.rejected_by if self.saga.refused is not None else None

    @property
    def first(self) -> Intent:
        """The wish; where people rejected it, that a draft of it goes."""
        if self.rejected_by is not None:
            return Intent("undo_post_invoice", self.intent.document, "rejected")
        return self.attempt.given(self.intent)

    @property
    def following(self) -> Iterator[Intent]:
        if self.rejected_by is None:
            yield from (self.attempt.given(one) for one in self.saga.next)

    def twins(self, world: World) -> Iterator[Finding]:
        refused, invoice = self.saga.refused, self.intent.document
        if self.theirs is None or refused is None or self.rejected_by is not None:
            return
        if isinstance(invoice, Invoice):
            yield twin_finding(invoice, refused, self.theirs, world)

    @property
    def cases(self) -> Iterator[Finding]:
        if self.theirs is None and self.rejected_by is None and self.attempt.awaited is None:
            yield from _refused(self.saga)


def _before(subject: Document, papers: Papers) -> Document | None:
    """A master that is taken back becomes what it was; a new one is made inactive. Others are cancelled as they are."""
    if not isinstance(subject, Supplier):
        return None
    versions = [one for one in papers.versions(Supplier) if one.natural_key == subject.natural_key]
    return versions[-2] if len(versions) > 1 else subject.model_copy(update={"active": False})


def _once(first: Sequence[Intent], following: Sequence[Intent]) -> tuple[Intent, ...]:
    """By key, the decision's own first: what was given is not given again."""
    return tuple({one.key: one for one in (*first, *following)}.values())


_REFUSED, _HALF_DONE = "posting_refused", "posting_half_done"
_CASES = frozenset({_REFUSED, _HALF_DONE})


def _refused(saga: Saga) -> Iterator[Finding]:
    answer, stuck = saga.refused, saga.state is SagaState.STUCK
    if answer is None and not stuck:
        return
    facts = {} if answer is None else {"system": answer.system, "code": answer.code or ""}
    half = "One system has it, another has not, and it is not taken back by itself"
    yield Finding(
        _HALF_DONE if stuck else _REFUSED,
        place_of(saga.subject),
        half if stuck else "A system refused it",
        urgency="urgent" if stuck else None,
        flip=f"{answer.system} took it" if answer else "all systems took it, or none",
        facts={**facts, "posting": saga.facts},
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
