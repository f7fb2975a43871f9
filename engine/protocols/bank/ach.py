"""Returned entries (addenda 99) and notifications of change (addenda 98) of an ACH file.

Records have 94 characters: 1 file, 5 batch, 6 entry, 7 addenda, 8 and 9 totals.
Source: Nacha Operating Rules, appendix 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from engine.core.errors import CharsetError, StructureError
from engine.protocols.bank.values import BankWord

_LENGTH = 94
_RETURN, _CHANGE = "99", "98"
_CENTS = Decimal("0.01")


def read_ach_returns(body: bytes) -> list[BankWord]:
    """
    Raises:
        CharsetError, StructureError: not such a file; the place is the record's number.
    """
    lines = _records(body)
    if not lines or lines[0][0] != "1":
        raise StructureError("an ACH file begins with a file header", where="record 1")
    told = _day(lines[0][23:29], "record 1")
    name = f"{lines[0][13:23].strip()}-{lines[0][23:34].strip()}"
    return list(_words(lines, told, name))


def _records(body: bytes) -> list[str]:
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise CharsetError("an ACH file has ASCII characters only") from None
    lines = text.splitlines() if "\n" in text else [text[n : n + _LENGTH] for n in range(0, len(text), _LENGTH)]
    lines = [line for line in lines if line.strip()]
    for number, line in enumerate(lines, 1):
        if len(line) != _LENGTH:
            raise StructureError("an ACH record has 94 characters", where=f"record {number}")
    return lines


def _words(lines: list[str], told: date, name: str) -> Iterator[BankWord]:
    entry: str | None = None
    for number, line in enumerate(lines, 1):
        if line[0] == "6":
            entry = line
        elif line[0] == "7" and line[1:3] in (_RETURN, _CHANGE):
            if entry is None:
                raise StructureError("an addenda record without its entry", where=f"record {number}")
            yield _word(entry, line, told, name, f"record {number}")


def _word(entry: str, addenda: str, told: date, name: str, where: str) -> BankWord:
    if not entry[29:39].isdigit():
        raise StructureError("the amount is not a number", where=where)
    returned = addenda[1:3] == _RETURN
    return BankWord(
        number=f"{name}-{addenda[79:94].strip()}",
        state="returned" if returned else "corrected",
        told_on=told,
        payment=entry[39:54].strip() or None,
        reference=addenda[6:21].strip() or None,
        amount=Decimal(entry[29:39]) * _CENTS if returned else None,
        currency="USD" if returned else None,
        happened_on=told,
        reason_code=addenda[3:6].strip() or None,
        corrected=None if returned else addenda[35:64].strip() or None,
    )


def _day(text: str, where: str) -> date:
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        raise StructureError("the file's day is not a date", where=where) from None
