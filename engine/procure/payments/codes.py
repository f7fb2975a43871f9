"""Return codes of the ACH network and reasons of ISO 20022: what they say, and whether the account is to blame.

Sources: Nacha Operating Rules, return reason codes; ISO 20022 external code set, StatusReason.
"""

from __future__ import annotations

import msgspec


class ReturnReason(msgspec.Struct, frozen=True):
    """`account`: money does not go to this account again before people looked at it. `again`: it may be tried again."""

    what: str
    account: bool = False
    again: bool = False


_ACCOUNT = True
REASONS: dict[str, ReturnReason] = {
    "R01": ReturnReason("insufficient funds", again=True),
    "R02": ReturnReason("account closed", _ACCOUNT),
    "R03": ReturnReason("no account, or it is not this holder's", _ACCOUNT),
    "R04": ReturnReason("the account number is not valid", _ACCOUNT),
    "R08": ReturnReason("payment stopped"),
    "R09": ReturnReason("funds not collected yet", again=True),
    "R10": ReturnReason("its holder did not authorise it"),
    "R12": ReturnReason("the branch was sold to another bank", _ACCOUNT),
    "R13": ReturnReason("the routing number is not valid", _ACCOUNT),
    "R14": ReturnReason("the payee's representative died", _ACCOUNT),
    "R15": ReturnReason("the holder died", _ACCOUNT),
    "R16": ReturnReason("account frozen", _ACCOUNT),
    "R17": ReturnReason("the entry's details do not fit, possibly fraud", _ACCOUNT),
    "R20": ReturnReason("not an account for such payments", _ACCOUNT),
    "R23": ReturnReason("refused by the receiver"),
    "R24": ReturnReason("a duplicate entry"),
    "R29": ReturnReason("the company did not authorise it"),
    "R31": ReturnReason("return allowed by the originating bank"),
    "AC01": ReturnReason("the account number is not right", _ACCOUNT),
    "AC03": ReturnReason("the payee's account number is not valid", _ACCOUNT),
    "AC04": ReturnReason("account closed", _ACCOUNT),
    "AC06": ReturnReason("account blocked", _ACCOUNT),
    "AG01": ReturnReason("such payments are not allowed for this account", _ACCOUNT),
    "AM04": ReturnReason("insufficient funds", again=True),
    "AM05": ReturnReason("a duplicate"),
    "BE01": ReturnReason("the name is not the account holder's", _ACCOUNT),
    "RC01": ReturnReason("the bank's code is not right", _ACCOUNT),
    "MS03": ReturnReason("the bank gives no reason"),
    "NARR": ReturnReason("told in words"),
}
_UNKNOWN = ReturnReason("a reason that is not in the list")


def reason_of(code: str | None) -> ReturnReason:
    return REASONS.get((code or "").upper(), _UNKNOWN)
