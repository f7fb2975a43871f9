"""The way of a payment as a table, and what each teller's word means in it.

Source: domain rules on payments; `PaymentProgress` names the states.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.canonical import BankState
from engine.canonical import PaymentProgress as P

WAY = (P.PROPOSED, P.APPROVED, P.RELEASED, P.TRANSMITTED, P.ACCEPTED, P.SETTLED, P.RECONCILED)
"""What a payment goes through when all is well; tellers may be some steps behind one another."""

EXITS = frozenset({P.REJECTED, P.RETURNED, P.STOPPED, P.VOIDED, P.REISSUED, P.STALE})


class PaymentTransition(NamedTuple):
    before: P
    after: P


def _transitions() -> tuple[PaymentTransition, ...]:
    onward = [PaymentTransition(a, b) for n, a in enumerate(WAY) for b in WAY[n + 1 :]]  # steps may not be told
    to_bank, at_bank = (P.PROPOSED, P.APPROVED, P.RELEASED), (P.TRANSMITTED, P.ACCEPTED)
    out = [PaymentTransition(a, P.VOIDED) for a in (*to_bank, *at_bank)]
    out += [PaymentTransition(a, P.REJECTED) for a in (*to_bank, *at_bank)]
    out += [PaymentTransition(a, b) for a in at_bank for b in (P.STOPPED, P.STALE)]
    out += [PaymentTransition(a, P.RETURNED) for a in (*at_bank, P.SETTLED, P.RECONCILED)]
    again = (P.REJECTED, P.RETURNED, P.STOPPED, P.VOIDED, P.STALE)
    out += [PaymentTransition(a, P.REISSUED) for a in again]
    out += [PaymentTransition(P.STALE, P.VOIDED), PaymentTransition(P.STALE, P.SETTLED)]
    return (*onward, *out)


PAYMENT_TRANSITIONS = _transitions()
_MAY = frozenset(PAYMENT_TRANSITIONS)
FINAL = frozenset({P.REISSUED})


def may_follow(before: P, after: P) -> bool:
    return before is after or PaymentTransition(before, after) in _MAY


# `corrected` says nothing of the money: it arrived, and the account is to be changed.
MEANS: dict[BankState, P | None] = {
    BankState.RECEIVED: P.TRANSMITTED,
    BankState.PENDING: P.TRANSMITTED,
    BankState.ACCEPTED: P.ACCEPTED,
    BankState.SETTLED: P.SETTLED,
    BankState.REJECTED: P.REJECTED,
    BankState.RETURNED: P.RETURNED,
    BankState.STOPPED: P.STOPPED,
    BankState.CORRECTED: None,
}
