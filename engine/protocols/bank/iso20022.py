"""pain.002 (what became of orders), camt.053 and camt.054 (bookings) as facts about payments, of any version.

Source: ISO 20022 message definitions; external code sets of payment status and return reasons.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

from lxml import etree

from engine.core.errors import StructureError
from engine.protocols.bank.values import BankWord
from engine.protocols.xml.tree import parse_tree

_STATES = {
    "RCVD": "received", "ACTC": "received", "PDNG": "pending", "ACCP": "accepted", "ACSP": "accepted",
    "ACWC": "accepted", "ACSC": "settled", "ACCC": "settled", "RJCT": "rejected",
}  # fmt: skip
_NOT_GIVEN = frozenset({"NOTPROVIDED", ""})


def read_pain_002(body: bytes) -> list[BankWord]:
    """
    Raises:
        MessageError: not XML, not safe, or not such a message; or all of a file is refused without its payments named.
    """
    report = _only(parse_tree(body), "CstmrPmtStsRpt")
    message, told = _header(report)
    _refused_unnamed(report)
    return list(_orders(report, message, told))


def _refused_unnamed(report: etree._Element) -> None:
    """A word over a whole file, or over one of its batches, says nothing of a payment and must not be passed over."""
    levels = [(one, "PmtInfSts") for one in _all(report, "OrgnlPmtInfAndSts")]
    levels += [(one, "GrpSts") for one in _all(report, "OrgnlGrpInfAndSts")]
    for level, name in levels:
        named = level if name == "PmtInfSts" else report
        status = _text(level, name)
        if _first(named, "TxInfAndSts") is None and status is not None and _STATES.get(status) in (None, "rejected"):
            remedy = "find the file by its number (OrgnlMsgId), put right what the bank names, and send it again"
            raise StructureError("the bank does not take a whole file, and names no payment", where=name, remedy=remedy)


def _orders(report: etree._Element, message: str, told: date | None) -> Iterator[BankWord]:
    for number, order in enumerate(_all(report, "TxInfAndSts"), 1):
        status = _text(order, "TxSts") or ""
        if status not in _STATES:
            raise StructureError("a status that is not known", where=f"TxInfAndSts[{number}].TxSts")
        amount = _first(order, "InstdAmt")
        yield BankWord(
            number=f"{message}-{_text(order, 'StsId') or number}",
            state=_STATES[status],
            told_on=told,
            payment=_given(_text(order, "OrgnlEndToEndId")),
            reference=_text(order, "AcctSvcrRef"),
            amount=_amount(amount, number),
            currency=amount.get("Ccy") if amount is not None else None,
            reason_code=_text(order, "StsRsnInf", "Rsn", "Cd"),
        )


def read_camt_054(body: bytes) -> list[BankWord]:
    """Debits that are booked are settled payments; credits with a return reason are payments that came back.

    Raises:
        MessageError: not XML, not safe, or not such a message.
    """
    return _bookings(body, "BkToCstmrDbtCdtNtfctn")


def read_camt_053(body: bytes) -> list[BankWord]:
    """The day's statement: its entries as those of camt.054.

    Raises:
        MessageError: not XML, not safe, or not such a message.
    """
    return _bookings(body, "BkToCstmrStmt")


def _bookings(body: bytes, name: str) -> list[BankWord]:
    report = _only(parse_tree(body), name)
    message, told = _header(report)
    return [
        word for n, entry in enumerate(_all(report, "Ntry"), 1) for word in _entry(entry, f"{message}-{n}", told, n)
    ]


def _entry(entry: etree._Element, number: str, told: date | None, place: int) -> Iterator[BankWord]:
    booked = (_text(entry, "Sts", "Cd") or _text(entry, "Sts")) == "BOOK"
    credit, reversal = _text(entry, "CdtDbtInd") == "CRDT", _text(entry, "RvslInd") == "true"
    details = _all(entry, "TxDtls") or [entry]
    for n, one in enumerate(details, 1):
        returned = credit and (reversal or _first(one, "RtrInf") is not None)
        if credit and not returned:
            continue  # money that came in is no payment of ours
        amount = _first(one, "Amt") if len(details) > 1 else _first(entry, "Amt")
        yield BankWord(
            number=f"{number}-{n}",
            state=("returned" if returned else "settled") if booked else "pending",
            told_on=told,
            payment=_given(_text(one, "EndToEndId")),
            reference=_text(one, "AcctSvcrRef") or _text(entry, "AcctSvcrRef"),
            amount=_amount(amount, place),
            currency=amount.get("Ccy") if amount is not None else None,
            happened_on=_day(_text(entry, "BookgDt", "Dt")),
            reason_code=_text(one, "RtrInf", "Rsn", "Cd"),
        )


# ------------------------------------------------------------------ elements by their local names
def _only(root: etree._Element, name: str) -> etree._Element:
    found = _first(root, name)
    if found is None:
        raise StructureError("not such a message", where=name)
    return found


def _header(report: etree._Element) -> tuple[str, date | None]:
    message = _text(report, "GrpHdr", "MsgId")
    if not message:
        raise StructureError("a message without its id", where="GrpHdr.MsgId")
    return message, _day((_text(report, "GrpHdr", "CreDtTm") or "")[:10])


def _all(node: etree._Element, name: str) -> list[etree._Element]:
    return list(node.iter(f"{{*}}{name}"))


def _first(node: etree._Element, name: str) -> etree._Element | None:
    return next(iter(node.iter(f"{{*}}{name}")), None)


def _text(node: etree._Element, *names: str) -> str | None:
    """Of the first element of the first name, then within it."""
    found: etree._Element | None = node
    for name in names:
        found = _first(found, name) if found is not None else None
    return ((found.text or "").strip() or None) if found is not None else None


def _given(text: str | None) -> str | None:
    return None if (text or "") in _NOT_GIVEN else text


def _amount(element: etree._Element | None, place: int) -> Decimal | None:
    if element is None:
        return None
    try:
        return Decimal((element.text or "").strip())
    except InvalidOperation:
        raise StructureError("the amount is not a number", where=f"entry {place}") from None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise StructureError("not a date", where="date") from None
