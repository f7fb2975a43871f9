"""835 to Remittance: what a payer paid of the hospital's claims, to the cent. Names of patients, diagnoses and services
are not read; a claim is named by the hospital's own account number (CLP01) and the payer's (CLP07).

What a payer pays less is told by group and reason (`CO45`), negative. The payment must add up: claims less provider
adjustments are BPR02, and each claim's charge less its adjustments is what was paid of it.
Source: HIPAA guide 005010X221A1, 1.10.2.1 (balancing); X12 CAS, CLP, PLB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from engine.canonical import Adjustment, Identifier, Money, Remittance, RemittanceLine
from engine.core.errors import DocumentError, RequiredFieldError
from engine.mapping import x12_body as sets
from engine.protocols.x12 import Loop, LoopedSet, Segment

_CLAIM, _SERVICE = "2100", "2110"
_PAYER_CLAIM = "PAYER_CLAIM"
_REMEDY = "ask the payer for a corrected 835; post nothing before"


@sets.told_by_place
def remittance_from_835(one: LoopedSet, supplier_number: str | None = None) -> Remittance:
    """Read a payer's advice.

    Args:
        supplier_number: our number of the payer, when the channel knows it; else the partner's who sent the file, else
            the payer's own (TRN03).

    Raises:
        RequiredFieldError, DataTypeError: an element is absent or not of its type; the place says which.
        DocumentError: the amounts do not add up.
    """
    currency = one.get("CUR02") or "USD"
    amount = sets.decimal(one.require("BPR02"), "BPR02")
    signed = -amount if one.get("BPR03") == "D" else amount
    remittance = sets.build(
        Remittance,
        remittance_number=one.require("TRN02"),
        supplier_number=supplier_number or one.supplier_number or one.require("TRN03"),
        paid_on=sets.day(one.require("BPR16"), "BPR16"),
        amount=Money(amount=signed, currency=currency),
        method=one.require("BPR04"),
        adjustments=tuple(_provider_adjustments(one.all("PLB"), currency)),
        lines=tuple(_line(claim, n, currency) for n, claim in enumerate(one.loops(_CLAIM), 1)),
    )
    if remittance.total != remittance.amount:
        words = "claims and provider adjustments do not add up to the payment"
        raise DocumentError(words, where="BPR02", remedy=_REMEDY)
    return remittance


def _line(claim: Loop, number: int, currency: str) -> RemittanceLine:
    where = f"2100[{number}]/CLP"
    charged, paid = _amount(claim, 3, where), _amount(claim, 4, where)
    adjustments = tuple(_claim_adjustments(claim, number, currency))
    if charged + sum((one.amount.amount for one in adjustments), Decimal(0)) != paid:
        raise DocumentError("the charge less its adjustments is not what was paid", where=f"{where}04", remedy=_REMEDY)
    account = claim.get("CLP01")
    if account is None:
        raise RequiredFieldError("must be given", where=f"{where}01")
    return sets.build(
        RemittanceLine,
        f"2100[{number}]",
        scheme="CLAIM",
        number=account,
        paid=Money(amount=paid, currency=currency),
        invoiced=Money(amount=charged, currency=currency),
        adjustments=adjustments,
    )


def _amount(claim: Loop, element: int, where: str) -> Decimal:
    text = claim.get(f"CLP{element:02d}")
    if text is None:
        raise RequiredFieldError("must be given", where=f"{where}{element:02d}")
    return sets.decimal(text, f"{where}{element:02d}")


def _claim_adjustments(claim: Loop, number: int, currency: str) -> Iterator[Adjustment]:
    """Of the claim and of its services, summed by group and reason, in the order in which they first stand."""
    sums: dict[str, Decimal] = {}
    segments = [*claim.all("CAS"), *(s for service in claim.loops(_SERVICE) for s in service.all("CAS"))]
    for segment in segments:
        for reason, amount in _reasons(segment, f"2100[{number}]/CAS"):
            sums[reason] = sums.get(reason, Decimal(0)) - amount
    payer = claim.get("CLP07")
    reference = Identifier(scheme=_PAYER_CLAIM, value=payer) if payer else None
    for reason, amount in sums.items():
        yield Adjustment(amount=Money(amount=amount, currency=currency), reason=reason, reference=reference)


def _reasons(segment: Segment, where: str) -> Iterator[tuple[str, Decimal]]:
    """CAS01 is the group; reason, amount and quantity follow up to six times."""
    for element in range(2, len(segment.parts), 3):
        reason, amount = segment.get(element).strip(), segment.get(element + 1).strip()
        if reason and amount:
            yield f"{segment.get(1).strip()}{reason}", sets.decimal(amount, f"{where}{element + 1:02d}")


def _provider_adjustments(segments: Iterable[Segment], currency: str) -> Iterator[Adjustment]:
    """PLB03 and on: reason and reference, amount. A positive one lowers the payment."""
    for number, segment in enumerate(segments, 1):
        for element in range(3, len(segment.parts) - 1, 2):
            reason, _, reference = segment.get(element).partition(":")
            if not reason:
                continue
            amount = sets.decimal(segment.get(element + 1).strip(), f"PLB{element + 1:02d}[{number}]")
            named = Identifier(scheme=reason, value=reference) if reference else None
            yield Adjustment(amount=Money(amount=-amount, currency=currency), reason=reason, reference=named)
