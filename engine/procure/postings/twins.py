"""An invoice that the ERP refuses because people entered the same one there: what may be done, and what was.

People decide: theirs is taken for ours, once the amounts agree within the policies; ours is posted after theirs was
deleted or cancelled, which the ERP is asked for; or ours is rejected as a duplicate of theirs. Every decision about a
refused posting is another try, in the order in which people decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from engine.canonical import (
    CaseAction,
    CaseVerb,
    Document,
    HeldThere,
    Identifier,
    Invoice,
    InvoiceKind,
    Money,
    PostingResult,
)
from engine.ports.erp import ERP_NUMBER
from engine.procure.calendar import calendar_of
from engine.procure.decision import Finding, Intent, World, text_of
from engine.procure.matching.tolerance import judge
from engine.procure.matching.validate_invoice import aspects_of
from engine.procure.papers import Papers
from engine.procure.policies import is_above_four_eyes, policies_of
from engine.procure.postings.masters import Awaited, is_worth_a_try, waits_after
from engine.procure.speaking import key_of, makers_of

TWIN = "erp_holds_twin"
POST, REPOST, ADOPT = "post_invoice", "repost_invoice", "adopt_invoice"
_PASSES = frozenset({CaseVerb.ACCEPT, CaseVerb.RELEASE})
_CHANGES = frozenset({CaseVerb.CORRECT, CaseVerb.SPLIT})
_CLEARS = frozenset({CaseVerb.HOLD, CaseVerb.REOPEN, CaseVerb.RETURN_TO_SUPPLIER})


class Attempt(msgspec.Struct, frozen=True):
    """`number`: 1 is the process's own wish. `adopted`: number of theirs. `rejected_by`: nothing is posted any more.
    `awaited`: a master that must come first."""

    number: int = 1
    what: str | None = None
    adopted: str | None = None
    rejected_by: str | None = None
    awaited: Awaited | None = None

    def of(self, intent: Intent) -> Intent:
        """The intent of this try."""
        if self.number == 1:
            return intent
        name = f"try-{self.number}"
        detail = f"{intent.detail}:{name}" if intent.detail else name
        return msgspec.structs.replace(intent, detail=detail)

    def given(self, intent: Intent) -> Intent:
        """The command that the intent of this try is given as."""
        if self.what is None or intent.what != POST or not isinstance(intent.document, Invoice):
            return intent
        document = intent.document if self.adopted is None else _linked(intent.document, self.adopted)
        return Intent(self.what, document, intent.detail)


def attempt_of(subject: Document, papers: Papers, world: World, types: frozenset[str]) -> Attempt:
    """
    Args:
        types: of exceptions that people have tried again by matching again.
    """
    place = place_of(subject)
    acts = [one for one in papers.newest(CaseAction) if one.place == place and one.case_type in types | {TWIN}]
    answers = [one for one in papers.versions(PostingResult) if _is_of(one, subject)]
    if not acts and not any(one.lacks for one in answers):
        return Attempt()
    tries = _Tries(subject, answers, papers, world)
    told: list[tuple[datetime, str, PostingResult | CaseAction]] = [(one.answered_at, "", one) for one in answers]
    told += [(one.at, one.action_number, one) for one in acts]
    for _, _, one in sorted(told, key=lambda event: event[:2]):
        if isinstance(one, PostingResult):
            tries.hear(one)
        else:
            tries.take(one)
    return tries.by_now()


def place_of(subject: Document) -> str:
    return f"{subject.kind}/{subject.natural_key}"


def _is_of(answer: PostingResult, subject: Document) -> bool:
    return (answer.subject_kind, answer.subject_key) == (subject.kind, subject.natural_key)


def _linked(invoice: Invoice, number: str) -> Invoice:
    return invoice.model_copy(update={"references": (*invoice.references, Identifier(scheme=ERP_NUMBER, value=number))})


class _Tries:
    """What people decided, one after the other."""

    def __init__(self, subject: Document, answers: Sequence[PostingResult], papers: Papers, world: World) -> None:
        self.subject, self.answers, self.world, self.policies = subject, answers, world, policies_of(world)
        self.refusal: PostingResult | None = None  # of the last try, when a master was lacking
        self.repeated = 0
        self.makers = {key_of(self.policies, one) for one in makers_of(papers)}
        self.now, self.passed, self.changed = Attempt(), set[str](), set[str]()

    def hear(self, answer: PostingResult) -> None:
        """One that comes for another try than the last refusal's says that it was tried again meanwhile."""
        before, self.refusal = self.refusal, answer if answer.lacks is not None and not answer.ok else None
        if before is not None and answer.command_key != before.command_key and not answer.command.startswith("undo_"):
            self._again()

    def _again(self) -> None:
        self.now = msgspec.structs.replace(self.now, number=self.now.number + 1)
        self.repeated += 1

    def by_now(self) -> Attempt:
        if self.refusal is None or self.now.rejected_by is not None:
            return self.now
        if is_worth_a_try(self.refusal, self.repeated, self.world):
            self._again()
            return self.now
        return msgspec.structs.replace(self.now, awaited=waits_after(self.refusal, self.repeated, self.world))

    def take(self, act: CaseAction) -> None:
        who, of_twin = key_of(self.policies, act.who), act.case_type == TWIN
        if act.action is CaseVerb.REMATCH:
            self._next(REPOST if of_twin else None)
        elif of_twin and act.action is CaseVerb.REJECT:
            self.now, self.passed = msgspec.structs.replace(self.now, rejected_by=act.who), set()
        elif act.action in _CLEARS:
            self.now, self.passed = msgspec.structs.replace(self.now, rejected_by=None), set()
        elif act.action in _CHANGES:
            self.changed.add(who)
        elif of_twin and act.action in _PASSES and who not in self.makers | self.changed:
            self.passed.add(who)
            self._adopt(act)

    def _next(self, what: str | None, adopted: str | None = None) -> None:
        self.now, self.passed, self.refusal = Attempt(self.now.number + 1, what, adopted), set(), None

    def _adopt(self, act: CaseAction) -> None:
        told = [one for one in self.answers if one.answered_at <= act.at and not one.ok and one.holds is not None]
        if not told or not isinstance(self.subject, Invoice) or len(self.passed) < self._need(self.subject, act.at):
            return
        theirs = told[-1].holds
        if theirs is not None and not disagrees(self.subject, theirs, self.policies):
            self._next(ADOPT, theirs.reference)

    def _need(self, invoice: Invoice, at: datetime) -> int:
        held = self.policies.as_of(at)
        day = calendar_of(held, invoice.facility).day_of(at)
        return 2 if is_above_four_eyes(invoice.stated_total, held, day) else 1


# ------------------------------------------------------------------ what is shown
def disagrees(invoice: Invoice, theirs: HeldThere, policies: Any) -> str | None:
    """Why theirs cannot be taken for ours, in words; None: it can."""
    if not theirs.is_posted:
        return f"the ERP's does not count: it is {theirs.state or 'not posted'}"
    if theirs.total is None or theirs.total.currency != invoice.currency:
        return "the ERP's is in another currency, or has no total"
    ours, other, aspects = _signed(invoice), theirs.total.amount, aspects_of(invoice)
    # Both ways: that an invoice may be cheaper than its order does not say that it may be paid in part.
    within = all(judge("invoice_total", *one, policies, aspects).within for one in ((ours, other), (other, ours)))
    return None if within else "the amounts differ by more than the policies allow"


def _signed(invoice: Invoice) -> Decimal:
    """As ERPs keep credits: below zero."""
    amount = invoice.stated_total.amount
    return -amount if invoice.invoice_kind is InvoiceKind.CREDIT_MEMO and amount > 0 else amount


def twin_finding(invoice: Invoice, answer: PostingResult, theirs: HeldThere, world: World) -> Finding:
    why_not = disagrees(invoice, theirs, policies_of(world))
    return Finding(
        TWIN,
        place_of(invoice),
        "The ERP holds an invoice of this number of this supplier",
        money=invoice.stated_total,
        supplier=invoice.supplier_number,
        facility=invoice.facility,
        category=invoice.category,
        flip=f"{answer.system} held none of that number",
        facts=dict(_facts(invoice, answer, theirs, why_not)),
    )


def _facts(
    invoice: Invoice, answer: PostingResult, theirs: HeldThere, why_not: str | None
) -> Iterator[tuple[str, Any]]:
    yield from {"rule": "posting.twin", "system": answer.system, "code": answer.code or ""}.items()
    own = Money(amount=_signed(invoice), currency=invoice.currency)
    yield from _side("ours", invoice.invoice_number, own, invoice.invoiced_on).items()
    yield from _side("theirs", theirs.number, theirs.total, theirs.dated).items()
    yield "their_erp_number", theirs.reference
    yield "their_state", theirs.state or ""
    if theirs.total is not None:
        yield "difference", text_of(theirs.total.amount - _signed(invoice))
    if why_not is not None:
        yield "not_adoptable", why_not
    yield "accept", f"theirs ({theirs.reference}) is taken for ours, and ours is not posted"
    yield "rematch", "ours is posted, when theirs was deleted or cancelled in the ERP; the ERP is asked first"
    yield "reject", "ours is a duplicate of theirs and ends here"


def _side(whose: str, number: str | None, amount: Money | None, day: date | None) -> dict[str, str]:
    return {
        f"{whose}_number": number or "",
        f"{whose}_amount": "" if amount is None else f"{text_of(amount.amount)} {amount.currency}",
        f"{whose}_date": day.isoformat() if day is not None else "",
    }


def rejected(state: Mapping[str, Any], who: Mapping[str, str]) -> Mapping[str, Any]:
    """The state of the dossier with those that people rejected as duplicates of what the ERP holds.

    Args:
        who: by key of the invoice.
    """
    ended = {key: {"state": "rejected", "by": name, "because": [TWIN]} for key, name in who.items()}
    return {**state, "invoices": {**state.get("invoices", {}), **ended}} if ended else state
