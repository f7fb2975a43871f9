"""Approvals as people see and answer them: `engine.ports.approvals.ApprovalOperations` over the process.

An approval that waits is a case. Whether an answer would count is not asked of a second set of rules: the decider is
asked what it would decide with it. So console, API and command line refuse exactly what the process would not count.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from engine.canonical import ApprovalAction, ApprovalVerb, Document
from engine.channel.policies import Policies
from engine.channel.policy_people import same_person
from engine.core.clock import Clock, from_micros, to_micros
from engine.core.errors import AccessError, IsthmusError, NotFoundError, OperationError
from engine.ports.approvals import WHOSE, ApprovalAsk, ApprovalRow, ApprovalView
from engine.ports.audit import Audit
from engine.ports.p2p_operations import Choice, DocumentRow, RecordSearch, ref_of
from engine.ports.procure import Case, CaseQuery, Dossier, Record, Records
from engine.procure.approvals.people import Directory, directory_of
from engine.procure.approvals.shown import (
    APPROVALS,
    answers_of,
    changes_of,
    content_of,
    not_counted,
    number_of,
    routed_as,
    subject_of,
)
from engine.procure.calendar import calendar_of
from engine.procure.decision import Decision
from engine.procure.desk.actions import AskError, seen_of
from engine.procure.papers import papers_of
from engine.procure.policies import USUAL

VERBS = (ApprovalVerb.APPROVE, ApprovalVerb.REJECT, ApprovalVerb.DELEGATE, ApprovalVerb.WITHDRAW)
_ALL = 5_000
_FOR_PAGE = frozenset(
    {"approval", "approval_number", "counted", "not_counted", "routing", "since", "spells", "subject"}
)
_TRIED = timedelta(microseconds=1)  # after now: of the same moment, the order would be by key


class Weighs(Protocol):
    """The process, as this desk needs it."""

    async def take(self, document: Document, message_id: int | None = None, who: str | None = None) -> None: ...

    async def weigh(self, dossier: Dossier, now: datetime) -> Decision: ...


class ApprovalDesk:
    """The one way in for people's answers, whatever they answer with."""

    def __init__(
        self,
        records: Records,
        search: RecordSearch,
        process: Weighs,
        audit: Audit,
        clock: Clock,
        policies: Callable[[], Any],
    ) -> None:
        self._records, self._search, self._process, self._audit = records, search, process, audit
        self._clock, self._policies = clock, policies

    async def waiting(self, whose: str, who: str, limit: int = 200) -> list[ApprovalRow]:
        if whose not in WHOSE:
            raise AskError("whose approvals", remedy=f"one of {', '.join(WHOSE)}")
        found = [case for type_ in APPROVALS for case in await self._records.cases(CaseQuery(type=type_, limit=_ALL))]
        rows = [row for case in found if number_of(case) and (row := self._row(case, who))]
        rows = [row for row in rows if whose in ("all", row.mine)]
        rows.sort(key=lambda row: (row.due_at is None, row.due_at or row.since, row.ref))
        return rows[:limit]

    async def approval(self, ref: str, who: str) -> ApprovalView | None:
        found = await self._found(ref)
        if found is None:
            return None
        case, dossier = found
        papers = papers_of(dossier)
        return ApprovalView(
            row=self._row(case, who),
            facts={name: value for name, value in case.facts.items() if name not in _FOR_PAGE},
            content=content_of(case, papers),
            changes=changes_of(case, papers),
            documents=[
                DocumentRow(one.kind, one.key, one.version, from_micros(one.at_micros), one.message_id, one.who)
                for one in sorted((paper.record for paper in papers.all), key=lambda one: one.at_micros)
                if one.kind != ApprovalAction.kind
            ],
            answers=answers_of(number_of(case), papers, msgspec.json.decode(dossier.state)),
            choices=[Choice(verb.value, await self._why_not(verb, case, dossier, who)) for verb in VERBS],
            seen=seen_of(case),
        )

    async def answer(self, ref: str, ask: ApprovalAsk, who: str, origin: str) -> None:
        found = await self._found(ref)
        if found is None:
            raise NotFoundError("no such approval waits", where=ref)
        case, dossier = found
        try:
            document = await self._checked(ask, case, dossier, who, origin)
        except IsthmusError as error:
            await self._audit.record(who, "approval.refused", f"approval {ref}", f"{ask.action[:40]}: {error.what}")
            raise
        await self._audit.record(who, f"approval.{document.action.value}", f"approval {ref}", ask.reason.strip())
        await self._process.take(document, who=who)

    # -------------------------------------------------------------- may she
    async def _checked(self, ask: ApprovalAsk, case: Case, dossier: Dossier, who: str, origin: str) -> ApprovalAction:
        if not ask.reason.strip():
            raise AskError("a reason is required")
        if ask.seen is not None and ask.seen != seen_of(case):
            raise OperationError("it has changed since it was shown", remedy="look at it again, then answer")
        document = _document(ask, case, who, self._clock.now(), origin)
        if (why := await self._refusal(document, dossier)) is not None:
            raise AccessError(why)
        return document

    async def _why_not(self, verb: ApprovalVerb, case: Case, dossier: Dossier, who: str) -> str | None:
        to = self._anybody(case, who) if verb is ApprovalVerb.DELEGATE else None
        ask = ApprovalAsk(verb.value, "-", delegate_to=to)
        try:
            document = _document(ask, case, who, self._clock.now(), "")
        except AskError:
            return "nobody else is asked"
        return await self._refusal(document, dossier)

    def _anybody(self, case: Case, who: str) -> str | None:
        """Somebody to try with whether she may hand it on at all."""
        asked = [str(one) for one in case.facts.get("asked", ())]
        me = same_person(who)
        return next((one for one in asked if same_person(one) != me), asked[0] if asked else None)

    async def _refusal(self, action: ApprovalAction, dossier: Dossier) -> str | None:
        """What the decider would say to it; None: it counts."""
        now = self._clock.now() + _TRIED
        record = Record(
            action.kind, action.natural_key, 1, action.model_dump_json().encode(), to_micros(now), None, action.who
        )
        tried = msgspec.structs.replace(dossier, records=(*dossier.records, record))
        decision = await self._process.weigh(tried, now)
        return next((why for (who, at), why in not_counted(decision.state) if _same(who, at, action, now)), None)

    # -------------------------------------------------------------- rows
    async def _found(self, ref: str) -> tuple[Case, Dossier] | None:
        case_id = await self._search.case_id(ref) or ""
        for place, sign in enumerate(case_id):
            if sign == "#":
                dossier = await self._records.load(case_id[:place])
                for case in dossier.cases:
                    is_it = case.case_id == case_id and case.state == "open"
                    if is_it and case.type in APPROVALS and number_of(case):
                        return case, dossier
        return None

    def _row(self, case: Case, who: str) -> ApprovalRow:
        due, now = case.due_micros, to_micros(self._clock.now())
        asked = tuple(str(one) for one in case.facts.get("asked", ()))
        return ApprovalRow(
            ref=ref_of(case.case_id),
            number=number_of(case),
            subject=subject_of(case),
            title=case.title,
            dossier=case.dossier,
            since=from_micros(case.opened_micros),
            due_at=None if due is None else from_micros(due),
            late=due is not None and due < now,
            asked=asked,
            mine=self._mine(case, asked, who),
            amount=case.amount if _is_some(case.amount) else None,
            currency=case.currency,
            supplier=case.supplier,
            facility=case.facility,
        )

    def _mine(self, case: Case, asked: tuple[str, ...], who: str) -> str:
        """By the policies; an approval that was handed on by itself names who got it among its facts."""
        directory = self._directory(case.facility)
        me = directory.here(who)
        if me is None:
            return ""
        if any(directory.key(one) == same_person(me.person) for one in asked):
            return "mine"
        handed = {directory.key(str(one)) for one in case.facts.get("handed_to", ())}
        subject = routed_as(subject_of(case))
        givers = [one for name in asked if (one := directory.here(name)) is not None]
        acts = any(directory.acts_for(one, me, subject, ()) is not None for one in givers)
        return "delegated" if acts or same_person(me.person) in handed else ""

    def _directory(self, facility: str | None) -> Directory:
        found = self._policies()
        policies = found if isinstance(found, Policies) else USUAL
        return directory_of(policies, calendar_of(policies, facility).day_of(self._clock.now()))


def _is_some(amount: str | None) -> bool:
    return amount is not None and Decimal(amount) != 0


def _same(who: str, at: datetime, action: ApprovalAction, now: datetime) -> bool:
    return who == action.who and at in (action.at, now)


def _document(ask: ApprovalAsk, case: Case, who: str, now: datetime, origin: str) -> ApprovalAction:
    """
    Raises:
        AskError: the answer cannot be read.
    """
    verb = next((one for one in VERBS if one.value == ask.action), None)
    if verb is None:
        raise AskError("there is no such answer", remedy=f"one of {', '.join(one.value for one in VERBS)}")
    if verb is ApprovalVerb.DELEGATE and not ask.delegate_to:
        raise AskError("say to whom it is handed")
    try:
        return ApprovalAction(
            action_number=f"{ref_of(case.case_id)}-{to_micros(now)}",
            approval_number=number_of(case),
            dossier=case.dossier,
            action=verb,
            who=who,
            at=now,
            on_behalf_of=ask.on_behalf_of or None,
            delegate_to=ask.delegate_to if verb is ApprovalVerb.DELEGATE else None,
            delegate_until=date.fromisoformat(ask.delegate_until) if ask.delegate_until else None,
            reason=ask.reason.strip()[:200],
            origin=origin or None,
        )
    except ValueError:
        raise AskError("the answer cannot be read", remedy="a day is written as 2026-11-30") from None
