"""What people read about a payment: where it stands in short, why it is held, and what to do about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engine.canonical import PaymentProgress as P
from engine.procure.payments.codes import reason_of
from engine.procure.payments.payment import DISPUTED

_GROUPS: Mapping[str, str] = {
    **dict.fromkeys((P.PROPOSED, P.APPROVED), "waiting"),
    **dict.fromkeys((P.RELEASED, P.TRANSMITTED, P.ACCEPTED), "on_its_way"),
    **dict.fromkeys((P.SETTLED, P.RECONCILED), "paid"),
    **dict.fromkeys((P.REJECTED, P.RETURNED, P.STOPPED, P.VOIDED, P.REISSUED, P.STALE), "came_back"),
    DISPUTED: "disputed",
}
HELD: Mapping[str, str] = {
    "supplier_unknown": "the supplier is not known: take it into the supplier master",
    "supplier_new": "the supplier is new: nothing was decided about it yet",
    "supplier_faulty": "something in the supplier's master data is missing or wrong: have it corrected",
    "supplier_screening": "the supplier is being looked up in the lists of sanctioned parties",
    "supplier_sanctioned": "the supplier may stand on a list of sanctioned parties: look at the hit first",
    "supplier_waiting": "the supplier is not approved yet: approve it",
    "supplier_rejected": "the supplier was refused: do not pay before it is clear why",
    "supplier_held": "the supplier is on hold: look why, or leave it so",
    "supplier_inactive": "the supplier is not active any more",
    "supplier_merged": "the supplier's number has ended: pay the number that goes on",
    "bank_account_unknown": "nobody knows its bank account: ask the supplier for it, and have it verified",
    "bank_account_unverified": "nobody verified the bank account: call the supplier back, then approve its details",
    "bank_account_cooling": "the bank account was verified just now: it goes out when the waiting time is over",
    "bank_account_faulty": "the account's number cannot be right: have the supplier correct it",
    "bank_account_returned": "money for the same invoice came back from this account: have it verified anew, or decide"
    " over the payment that came back",
    "bank_change_pending": "a change of the supplier's bank details is not verified: approve or reject it first",
    "invoice_in_question": "an invoice of it was posted, and by what came since it would not be: decide its exception",
    "approved_by_its_proposer": "who proposed it approved it: somebody else must",
    "payment_unapproved": "nobody has approved it yet",
    "payment_rejected": "its approval was refused: void it",
    "payment_withdrawn": "its approval was withdrawn: void it",
    "payment_expired": "its approval was not given in time: ask again",
}
LEFT: Mapping[str, str] = {
    "held": "an exception of the invoice is open: decide it, and the next run pays",
    "not_due": "it can wait: a later run is still in time",
    "credit_is_more": "the supplier owes more than it is paid: the credit waits for further invoices",
    "no_money_left": "the run's limit was reached: the next run pays it first",
}
_FIGURE = re.compile(r"(?<![\d.])-?\d[\d.]{0,40} [A-Z]{3}\b")  # not begun within a number: read once, however long
_BACK: Mapping[str, str] = {
    P.STOPPED: "it was stopped: find out what it paid, and whether it is to be paid again",
    P.VOIDED: "it was voided: what it paid is open for the next run",
    P.STALE: "nobody cashed the check: ask the supplier, then void it or pay again",
}


def group_of(state: str, held_because: Sequence[str]) -> str:
    """`held` when it could go out if nothing kept it."""
    found = _GROUPS.get(state, "disputed")
    return "held" if found == "waiting" and set(held_because) - {"payment_unapproved"} else found


def to_do(state: str, held_because: Sequence[str], against: Sequence[str], reason: str | None) -> list[str]:
    """What a person does now, the most pressing first."""
    if state == DISPUTED:
        return [*dict.fromkeys(map(_settle, against)), *map(_held, held_because)]
    if state in (P.REJECTED, P.RETURNED):
        return [_came_back(state, reason)]
    if state in _BACK:
        return [_BACK[state]]
    return [_held(one) for one in held_because]


def left_words(why: str) -> str:
    return LEFT.get(why, why.replace("_", " "))


def _held(code: str) -> str:
    return HELD.get(code, code.replace("_", " "))


def _settle(against: str) -> str:
    """By the words of the decider (engine/procure/payments/payment.py)."""
    if "never released" in against:
        return "the bank moved money that the ERP did not release: have the bank stop it, and find out who sent it"
    if against.startswith(("bank says settled (", "bank says accepted (")):
        return "the bank's own files differ: ask it which one holds, and pay nothing again before it answers"
    if against.endswith("came back"):
        return "a part of it came back: find out of which invoice, and whether that is to be paid again"
    if _FIGURE.search(against):
        return "another amount was moved: compare it with the invoices, then claim or pay the difference"
    if against.startswith("portal says") and "bank says" not in against and "settled" not in against:
        return "only the portal calls it failed: ask the bank, and pay nothing again before it answers"
    if against.startswith("portal says settled"):
        return "only the portal calls it paid: ask the bank, and tell the supplier nothing before it answers"
    return "ask the bank for its booking; then correct whoever of them is wrong: nobody is told anything until then"


def without_figures(against: str) -> str:
    """For who may not see the whole amount."""
    return _FIGURE.sub("another amount", against)


def _came_back(state: str, code: str | None) -> str:
    found = reason_of(code or "MS03")  # the bank gives no reason
    what = f"{'it came back' if state == P.RETURNED else 'the bank refused it'}: {found.what}"
    if found.account:
        return f"{what}; have the supplier's account verified anew, the next run pays again"
    return f"{what}; {'the next run pays again' if found.again else 'find out why before it is paid again'}"
