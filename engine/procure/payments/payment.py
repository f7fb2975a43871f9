"""A payment's dossier: where it stands follows from three tellers, the ERP, the bank and the portal.

They may be some steps behind one another. Where they contradict each other, that is a state of its own, `disputed`,
until one of them says otherwise; nothing is told to others meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from engine.canonical import BankState, BankStatusReport, Invoice, Payment, PaymentMethod, ReportSource
from engine.canonical import PaymentProgress as P
from engine.procure.decision import Decision, Finding, Intent, World, text_of
from engine.procure.matching.accepted import still_open
from engine.procure.papers import Papers
from engine.procure.payments.approval import gated, payment_standing
from engine.procure.payments.came_back import ACCOUNT_RETURNED, came_back_from_there
from engine.procure.payments.codes import ReturnReason, reason_of
from engine.procure.payments.hold import Clearance, also_for, clearance_of
from engine.procure.payments.questioned import QUESTIONED, questioned
from engine.procure.payments.states import EXITS, MEANS, WAY, may_follow
from engine.procure.payments.twice import PAID_TWICE, PaidTwice, paid_twice
from engine.procure.suppliers.papers import bank_dossier, payment_dossier

DISPUTED = "disputed"
STALE_AFTER = timedelta(days=180)  # a check that nobody cashed. Source: UCC 4-404, six months
BANK_SILENT_AFTER = timedelta(days=2)
_HELD_IN = (P.PROPOSED, P.APPROVED)  # the ERP can still hold it
_OF_ALL = (P.ACCEPTED, P.SETTLED, P.RETURNED)  # their amount is that of the payment, or something is wrong
_ON_ITS_WAY = (P.RELEASED, P.TRANSMITTED, P.ACCEPTED)

_TAKEN_NOTE_OF = frozenset(
    {"payment_returned", "payment_rejected", "payment_stale", "bank_account_changed", "bank_silent"}
)


class Standing(msgspec.Struct, frozen=True):
    """`state` is a `PaymentProgress`, or `disputed` with the words that contradict each other. `last` is the newest
    report that says what the bank says now: reports of one day need not sort as they happened."""

    state: str
    erp: P | None = None
    bank: P | None = None
    portal: P | None = None
    against: tuple[str, ...] = ()
    last: BankStatusReport | None = None
    changes: tuple[BankStatusReport, ...] = ()

    @property
    def progress(self) -> P | None:
        return None if self.state == DISPUTED else P(self.state)


def standing_of_payment(payment: Payment, reports: Sequence[BankStatusReport], now: datetime) -> Standing:
    """The order in which reports came does not matter: each says when it was made."""
    told = sorted(reports, key=lambda one: (one.reported_at, one.natural_key))
    bank = [one for one in told if one.source is not ReportSource.PORTAL]
    portal = [one for one in told if one.source is ReportSource.PORTAL]
    words = payment.state, _word(bank), _word(portal)
    state: P | None = _combined(*words)
    against = tuple(_against(payment, words, told))
    if against:
        state = None
    elif state in (P.TRANSMITTED, P.ACCEPTED) and _is_stale(payment, now):
        state = P.STALE
    changes = tuple(one for one in bank if one.state is BankState.CORRECTED)
    last = next((one for one in reversed(bank) if words[1] is not None and MEANS[one.state] is words[1]), None)
    return Standing(state.value if state else DISPUTED, *words, against=against, last=last, changes=changes)


def _word(reports: Sequence[BankStatusReport]) -> P | None:
    """Of one teller: along the table; a word that cannot follow is an older one told late."""
    state: P | None = None
    for one in reports:
        means = MEANS[one.state]
        if means is not None and (state is None or may_follow(state, means)):
            state = means
    return state


def _combined(erp: P, bank: P | None, portal: P | None) -> P:
    """An exit is the bank's to tell, or the ERP's while the bank has nothing; else who is furthest along."""
    if erp in (P.REISSUED, P.VOIDED) and (bank is None or bank in EXITS):
        return erp
    if erp is P.STALE and bank is P.SETTLED:
        return bank  # it was cashed after all
    for word in (bank, erp, portal):
        if word in EXITS:
            return word
    told = [word for word in (erp, bank) if word is not None]
    return max(told, key=WAY.index)


def _against(payment: Payment, words: tuple[P, P | None, P | None], told: Sequence[BankStatusReport]) -> Iterator[str]:
    erp, said, portal = words
    if said is not None and _contradict(erp, said):
        yield f"erp says {erp.value}, bank says {said.value}"
    if portal is not None and said is not None and _contradict(portal, said):
        yield f"portal says {portal.value}, bank says {said.value}"
    if portal is P.SETTLED and said is None and erp in (*_HELD_IN, *EXITS):
        yield f"portal says settled, erp says {erp.value}"
    if portal in EXITS and said in (None, P.TRANSMITTED) and erp not in EXITS:  # who was not paid, or wants it twice
        yield f"portal says {portal.value}, erp says {erp.value}"
    if said in (P.ACCEPTED, P.SETTLED) and erp in _HELD_IN:
        yield f"bank says {said.value}, and the erp never released it"
    yield from _banks_disagree(told, erp)
    for one in told:
        if one.amount is not None and one.amount != payment.amount and MEANS[one.state] in _OF_ALL:
            who = "portal" if one.source is ReportSource.PORTAL else "bank"
            part = " came back" if MEANS[one.state] is P.RETURNED else ""
            yield f"{who} says {text_of(one.amount.amount)} {one.amount.currency}{part}"


def _banks_disagree(told: Sequence[BankStatusReport], erp: P) -> Iterator[str]:
    """One file of the bank says paid, another refused: whoever pays it again may pay it twice. Who paid it again
    already has decided, unless the bank paid the first one after that."""
    bank = [(MEANS[one.state], one) for one in told if one.source is not ReportSource.PORTAL]
    refused = [(word, one) for word, one in bank if word in (P.REJECTED, P.STOPPED)]
    if not refused:
        return
    since = max(one.reported_at for _, one in refused)
    later = [(word, one) for word, one in bank if one.reported_at > since]
    came_back = any(word is P.RETURNED for word, _ in later)
    paid = [one for word, one in (later if erp is P.REISSUED else bank) if word is P.SETTLED]
    taken = [one for word, one in later if word is P.ACCEPTED]
    if (paid and not (came_back and erp is P.REISSUED)) or (taken and not came_back):
        what, sources = ("settled", paid) if paid else ("accepted", taken)
        first = min(one.source.value for one in sources)
        word, source = min((word.value, one.source.value) for word, one in refused if word)
        yield f"bank says {what} ({first}) and {word} ({source})"


def _contradict(one: P, bank: P) -> bool:
    """Neither word can become the other by waiting. Exits agree with one another: the money is not there."""
    both_out = one in EXITS and bank in (*EXITS, P.TRANSMITTED)
    return not (one is bank or both_out or may_follow(one, bank) or (one in WAY and bank in WAY))


def _may_go_on(clear: Clearance) -> bool:
    """That the supplier asked for another account, or has another number by now, does not endanger what is on its way
    to an account that was verified."""
    return set(clear.reasons) <= {"bank_change_pending", "supplier_merged"}


def _is_stale(payment: Payment, now: datetime) -> bool:
    return payment.method is PaymentMethod.CHECK and now.date() > payment.pay_on + STALE_AFTER


# ------------------------------------------------------------------ the decider
def decide_payment(papers: Papers, world: World) -> Decision:
    payment = next(iter(papers.newest(Payment)), None)
    if payment is None:
        return _unknown(papers, world)
    found = standing_of_payment(payment, _reports(payment, papers, world), world.now)
    standing = payment_standing(payment, papers, world)
    again = () if found.progress in EXITS else tuple(paid_twice(payment, world, lambda one: _lives(one, world)))
    clear = also_for(gated(clearance_of(payment, world), standing), PAID_TWICE if again else None)
    for one in payment.invoices:  # whoever asks for an invoice finds its payments by this
        world.find(Invoice, f"{payment.supplier_number}/{one.invoice_number}")
    if found.progress in _HELD_IN:
        clear = also_for(clear, ACCOUNT_RETURNED if _is_blamed(payment, world) else None)
        clear = also_for(clear, QUESTIONED if any(questioned(payment, world)) else None)
    bad_account = _bad_account(found)
    return Decision(
        _state(payment, found, clear) | ({"approval": standing.facts} if standing else {}),
        (
            *_seen(_findings(payment, found, clear, bad_account, world), papers, world),
            *(_twice(payment, one) for one in again),
            *(standing.findings if standing else ()),
        ),
        tuple(_intents(payment, found, clear)),
        look_again_at=_look_again(payment, found, clear, world, standing),
    )


def _reports(payment: Payment, papers: Papers, world: World) -> list[BankStatusReport]:
    """Those by the bank's own reference, too."""
    told = papers.newest(BankStatusReport)
    if payment.bank_reference:
        told += world.papers(bank_dossier(payment.bank_reference)).newest(BankStatusReport)
    return told


def _is_blamed(payment: Payment, world: World) -> bool:
    def refusal(other: Payment) -> BankStatusReport | None:
        found = standing_of_payment(
            other, _reports(other, world.papers(payment_dossier(other.payment_number)), world), world.now
        )
        return found.last if found.bank in (P.REJECTED, P.RETURNED) else None

    return came_back_from_there(payment, world, refusal, lambda one: clearance_of(one, world).account)


def _lives(other: Payment, world: World) -> bool:
    """Its money went out, or still may; where its tellers disagree, nobody counts on its not having gone."""
    reports = _reports(other, world.papers(payment_dossier(other.payment_number)), world)
    return standing_of_payment(other, reports, world.now).progress not in EXITS


def decide_bank(papers: Papers, world: World) -> Decision:
    """Reports by the bank's own reference: the payment's dossier reads them, when there is a payment."""
    payment = next(iter(papers.newest(Payment)), None)
    if payment is not None:
        return Decision({"payment": payment.payment_number})
    return _unknown(papers, world)


def _unknown(papers: Papers, world: World) -> Decision:
    """The bank may be quicker than the ERP: it is an exception after a while."""
    later = [one.reported_at + BANK_SILENT_AFTER for one in papers.newest(BankStatusReport)]
    look = min((one for one in later if one > world.now), default=None)
    return Decision(
        {"state": "unknown", "waiting": "the payment"},
        still_open(_orphans(papers, world), papers, world),
        look_again_at=look,
    )


def _state(payment: Payment, found: Standing, clear: Clearance) -> dict[str, Any]:
    return {
        "state": found.state,
        "words": {"erp": _text(found.erp), "bank": _text(found.bank), "portal": _text(found.portal)},
        "against": list(found.against),
        "amount": text_of(payment.amount.amount),
        "currency": payment.amount.currency,
        "held_because": list(clear.reasons) if found.progress in (*_HELD_IN, None) else [],
        "account": clear.account,
        "invoices": [one.invoice_number for one in payment.invoices],
        **({"reason": found.last.reason_code} if found.last and found.last.reason_code else {}),
    }


def _text(word: P | None) -> str | None:
    return word.value if word else None


def _orphans(papers: Papers, world: World) -> Iterator[Finding]:
    for one in papers.newest(BankStatusReport):
        if world.now >= one.reported_at + BANK_SILENT_AFTER:
            yield Finding(
                "bank_report_unmatched", one.natural_key, "A bank tells of a payment that nobody here knows",
                money=one.amount, flip="the payment were known by this number",
                facts={"state": one.state.value, "source": one.source.value},
            )  # fmt: skip


# ------------------------------------------------------------------ what people must look at
def _findings(
    payment: Payment, found: Standing, clear: Clearance, bad: ReturnReason | None, world: World
) -> Iterator[Finding]:
    if found.state == DISPUTED:
        yield _finding("payment_disputed", payment, "ERP, bank and portal contradict each other",
                       "one of them said otherwise", {"against": list(found.against)})  # fmt: skip
    if found.progress in _HELD_IN and not clear.is_clear:
        yield _finding("payment_held", payment, "The payment must not go out yet", f"without {clear.reasons[0]}",
                       {"reasons": list(clear.reasons), "account": clear.account})  # fmt: skip
    if found.progress in _ON_ITS_WAY and not _may_go_on(clear):
        yield _finding("payment_unverified", payment, "It is on its way to where it must not go",
                       "it were stopped, or the account verified", {"reasons": list(clear.reasons)},
                       urgency="stat")  # fmt: skip
    if found.progress in (P.REJECTED, P.RETURNED):
        yield _came_back(payment, found, bad)
    for one in found.changes:
        yield _finding("bank_account_changed", payment, "The bank says that the account is to be changed",
                       "the supplier confirmed the change and others verified it",
                       {"code": one.reason_code or ""}, place=one.natural_key)  # fmt: skip
    if found.progress is P.STALE:
        yield _finding("payment_stale", payment, "Nobody cashed the check", "it were cashed or voided", {})
    if found.erp is P.TRANSMITTED and found.bank is None and world.now >= _silent_at(payment):
        yield _finding("bank_silent", payment, "The bank has said nothing of it", "the bank told of it", {})


def _seen(found: Iterable[Finding], papers: Papers, world: World) -> Iterator[Finding]:
    """Without those that say what has happened, once a person took note. What holds a payment, or contradicts
    itself, stays until it is put right."""
    findings = list(found)
    rest = {(one.type, one.place) for one in still_open(findings, papers, world)}
    return (one for one in findings if one.type not in _TAKEN_NOTE_OF or (one.type, one.place) in rest)


def _twice(payment: Payment, again: PaidTwice) -> Finding:
    others = ", ".join(again.others)
    facts = {"rule": "payment.once", "payment": payment.payment_number, "invoice": again.invoice,
             "other_payments": list(again.others)}  # fmt: skip
    return Finding(
        PAID_TWICE, f"{payment.payment_number}/{again.invoice}", "Another payment pays the same invoice",
        money=again.over, supplier=payment.supplier_number, facts=facts,
        flip=f"this payment or {others} were stopped, or came back",
    )  # fmt: skip


def _came_back(payment: Payment, found: Standing, bad: ReturnReason | None) -> Finding:
    code = (found.last.reason_code if found.last else None) or ""
    reason = reason_of(code)
    facts = {"code": code, "what": reason.what, "try_again": reason.again, "account_to_blame": bad is not None}
    title = "The money came back" if found.progress is P.RETURNED else "The bank refused it"
    return _finding(f"payment_{found.state}", payment, title, "it were paid again, or voided", facts)


def _finding(
    type_: str, payment: Payment, title: str, flip: str, facts: dict[str, Any], urgency: str | None = None,
    place: str | None = None,
) -> Finding:  # fmt: skip
    return Finding(
        type_, place or payment.payment_number, title, money=payment.amount, supplier=payment.supplier_number,
        urgency=urgency, flip=flip, facts={"payment": payment.payment_number, **facts},
    )  # fmt: skip


def _bad_account(found: Standing) -> ReturnReason | None:
    reason = reason_of(found.last.reason_code) if found.last and found.progress in (P.REJECTED, P.RETURNED) else None
    return reason if reason is not None and reason.account else None


# ------------------------------------------------------------------ what is to be done
def _intents(payment: Payment, found: Standing, clear: Clearance) -> Iterator[Intent]:
    if found.progress in _HELD_IN:
        yield Intent("release_payment" if clear.is_clear else "hold_payment", payment, clear.digest)
    elif found.progress in _ON_ITS_WAY and not _may_go_on(clear):
        yield Intent("stop_payment", payment)
    if found.progress is not None:
        stands = payment.model_copy(update={"state": found.progress})
        yield Intent("tell_status", stands, f"{found.state}:{found.last.natural_key if found.last else ''}")


def _silent_at(payment: Payment) -> datetime:
    sent = payment.released_on or payment.pay_on
    return datetime.combine(sent, datetime.min.time(), tzinfo=UTC) + BANK_SILENT_AFTER


def _look_again(
    payment: Payment, found: Standing, clear: Clearance, world: World, standing: Any
) -> datetime | None:  # fmt: skip
    times = [clear.look_again_at, standing.look_again_at if standing else None]
    if found.erp is P.TRANSMITTED and found.bank is None:
        times.append(_silent_at(payment))
    if payment.method is PaymentMethod.CHECK and found.progress in (P.TRANSMITTED, P.ACCEPTED):
        day = payment.pay_on + STALE_AFTER + timedelta(days=1)
        times.append(datetime.combine(day, datetime.min.time(), tzinfo=UTC))
    return min((one for one in times if one is not None and one > world.now), default=None)
