"""Credit memos of the 810: what they credit, and those that are written with amounts below zero.

The original's number stands in REF: OI says so by its name; IV and IK say only that it is an invoice's, and so mean the
original where they are not the memo's own. Half of the guides want the amounts of a credit as they are, the other half
below zero; documents have them above zero. Source: X12 elements 128 and 640; suppliers' guides for credits, 004010.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.canonical import Charge, Identifier, Invoice, InvoiceKind, InvoiceLine, Money, Terms
from engine.core.errors import DocumentError
from engine.protocols.x12 import Segment

ORIGINAL = "OI"  # REF01: original invoice number
_NAMED_BY = (ORIGINAL, "IV", "IK")  # the first of them that is given
# BIG07: memo, invoice, commission, material; consolidated invoice and memo.
_CREDITS = frozenset(("CR", "CN", "CC", "MC", "CE", "CG"))
# Elements of BIG that say that nothing is asked for. Types: memoranda, preliminary, requests for credit, lists of
# returns. Purposes: cancelled, deleted, to be reissued; status, request, notice ahead, copy to know, draft.
_NO_CLAIM = {
    7: frozenset(("ME", "FE", "P1", "RA", "RD")),
    8: frozenset(("01", "03", "17", "08", "13", "14", "22", "24")),
}


def kind_of(begin: Segment | None) -> InvoiceKind:
    return InvoiceKind.CREDIT_MEMO if begin and begin.get(7).strip() in _CREDITS else InvoiceKind.INVOICE


def check_claim(begin: Segment | None) -> None:
    """
    Raises:
        DocumentError: it asks for no payment, or takes back what did.
    """
    element = next((n for n, codes in _NO_CLAIM.items() if begin and begin.get(n).strip() in codes), None)
    if element is not None:
        remedy = "ask the supplier what it wants; an invoice is taken back by a credit memo (BIG07 CR)"
        raise DocumentError("it asks for no payment, or takes back what did", where=f"BIG0{element}", remedy=remedy)


def originals(segments: Iterable[Segment], own: str) -> tuple[str, ...]:
    """Numbers of the invoices that a credit memo names, each once.

    Args:
        segments: of the heading and of all lines: some credit several invoices, and name each beside its lines.
        own: the memo's own number.
    """
    told = [(s.get(1).strip(), s.get(2).strip()[:80]) for s in segments if s.id == "REF"]
    for qualifier in _NAMED_BY:
        if found := tuple(dict.fromkeys(value for q, value in told if q == qualifier and value not in ("", own))):
            return found
    return ()


def credited(named: tuple[str, ...], references: tuple[Identifier, ...]) -> dict[str, object]:
    """Fields of a credit memo: the one invoice that it credits; of several, each as a reference."""
    others = tuple(one for one in references if one.scheme != ORIGINAL or one.value not in named)
    if len(named) < 2:
        return {"original_invoice_number": named[0] if named else None, "references": others}
    return {"references": (*others, *(Identifier(scheme=ORIGINAL, value=one) for one in named))}


def above_zero(memo: Invoice) -> Invoice:
    """A credit memo whose total is below zero, with the sign of every amount changed: that of the quantity, or of the
    price where that is what is below zero."""
    return memo.model_copy(update={
        "stated_total": _changed(memo.stated_total),
        "lines": tuple(_line(one) for one in memo.lines),
        "charges": changed(memo.charges),
        "taxes": changed(memo.taxes),
        "terms": _terms(memo.terms),
    })  # fmt: skip


def changed(charges: tuple[Charge, ...]) -> tuple[Charge, ...]:
    return tuple(one.model_copy(update={"amount": _changed(one.amount)}) for one in charges)


def _line(line: InvoiceLine) -> InvoiceLine:
    if line.price.amount < 0:
        return line.model_copy(update={"price": _changed(line.price)})
    quantity = line.quantity.model_copy(update={"amount": -line.quantity.amount})
    return line.model_copy(update={"quantity": quantity})


def _terms(terms: Terms | None) -> Terms | None:
    if terms is None or terms.discount_amount is None or terms.discount_amount.amount >= 0:
        return terms
    return terms.model_copy(update={"discount_amount": _changed(terms.discount_amount)})


def _changed(money: Money) -> Money:
    return Money(amount=-money.amount, currency=money.currency)
