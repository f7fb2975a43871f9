"""BAI2: a bank's balances and bookings of a day, as comma-separated records. Read for what became of payments.

Records: 01 file, 02 group (the day, the currency), 03 account, 16 booking, 88 goes on, 49, 98 and 99 totals.
Source: Cash Management Balance Reporting Specifications, version 2 (Bank Administration Institute).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from engine.core.currency import minor_places
from engine.core.errors import CharsetError, StructureError
from engine.protocols.bank.values import BankWord

# Bookings that can be a payment of ours: a debit of any type, ACH that we sent, checks, wires. Fees, transfers between
# our accounts and what others draw from us are none.
_PAID = frozenset({"409", "447", "466", "469", "474", "475", "477", "495", "508"})
_CAME_BACK = frozenset({"252", "255", "257", "266"})  # a debit reversed, a check or an ACH item returned
_GROUP_DELETED, _GROUP_TEST = "2", "4"
_FUNDS_DATED, _FUNDS_SPLIT, _FUNDS_MANY = "V", "S", "D"
_TYPE_LENGTH = 3


class _Record(msgspec.Struct, frozen=True):
    """`place` is the line that it begins in; `lines` counts it and its continuations."""

    code: str
    fields: tuple[str, ...]
    place: int
    lines: int


class _Totals(msgspec.Struct):
    """What is checked against 49, 98 and 99: amounts in minor units, children and records."""

    amount: int = 0
    children: int = 0
    records: int = 0


def read_bai2(body: bytes) -> list[BankWord]:
    """
    Raises:
        CharsetError, StructureError: not such a file, cut off, or its totals do not add up; the place is the line.
    """
    records = list(_records(body))
    if not records or records[0].code != "01":
        raise StructureError("a BAI2 file begins with record 01", where="line 1")
    if records[-1].code != "99":
        raise StructureError("the file is cut off: record 99 is missing", where=f"line {records[-1].place}",
                             remedy="ask the bank for the file again")  # fmt: skip
    return list(_Reading(records).words())


def _records(body: bytes) -> Iterator[_Record]:
    try:
        lines = body.decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise CharsetError("a BAI2 file has ASCII characters only") from None
    code, text, place, count = "", "", 0, 0
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip()
        if not line:
            continue
        if line.startswith("88,"):
            if not code:
                raise StructureError("a continuation of nothing", where=f"line {number}")
            text, count = f"{_open(text)}{line[3:]}", count + 1
            continue
        if code:
            yield _Record(code, _fields(text), place, count)
        code, text, place, count = line[:2], line, number, 1
    if code:
        yield _Record(code, _fields(text), place, count)


def _open(text: str) -> str:
    """A record that goes on: its slash only ended the line, and its last field is whole."""
    return f"{text[:-1]}," if text.endswith("/") else f"{text} "


def _fields(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.removesuffix("/").split(","))


class _Reading:
    """One walk over the records; the totals of account, group and file are counted beside it."""

    def __init__(self, records: Sequence[_Record]) -> None:
        self._records = records
        self._file, self._group, self._account = _Totals(), _Totals(), _Totals()
        self._name, self._told, self._currency = "", date.min, "USD"
        self._day, self._group_currency, self._counts = date.min, "USD", True

    def words(self) -> Iterator[BankWord]:
        for record in self._records:
            for totals in (self._file, self._group, self._account):
                totals.records += record.lines
            match record.code:
                case "01":
                    self._begin_file(record)
                case "02":
                    self._begin_group(record)
                case "03":
                    self._begin_account(record)
                case "16":
                    word = self._booking(record)
                    if word is not None and self._counts:
                        yield word
                case "49" | "98" | "99":
                    self._close(record)
                case _:
                    raise StructureError("a record that BAI2 does not have", where=f"line {record.place}")

    def _begin_file(self, record: _Record) -> None:
        self._told = _day(_field(record, 3), record)
        self._name = f"{_field(record, 1)}-{_field(record, 3)}-{_field(record, 5)}"

    def _begin_group(self, record: _Record) -> None:
        self._group = _Totals(records=record.lines)
        self._counts = _field(record, 3) not in (_GROUP_DELETED, _GROUP_TEST)
        self._day = _day(_field(record, 4), record)
        self._group_currency = _field(record, 6) or "USD"

    def _begin_account(self, record: _Record) -> None:
        self._account = _Totals(records=record.lines)
        self._currency = _field(record, 2) or self._group_currency
        rest = record.fields[3:]
        while rest and any(rest):
            self._account.amount += _amount(rest[1] if len(rest) > 1 else "", record)
            rest = rest[3 + _funds_length(rest, 4, record) :]

    def _booking(self, record: _Record) -> BankWord | None:
        code, amount = _field(record, 1), _amount(_field(record, 2), record)
        self._account.amount += amount
        self._account.children += 1
        if not (len(code) == _TYPE_LENGTH and code.isdigit()):
            raise StructureError("a booking without its type code", where=f"line {record.place}")
        after = 3 + _funds_length(record.fields, 4, record)
        bank, ours = _field(record, after), _field(record, after + 1)
        if code not in _PAID | _CAME_BACK or not (bank or ours):
            return None
        return BankWord(
            number=f"{self._name}-{record.place}",
            state="returned" if code in _CAME_BACK else "settled",
            told_on=self._told,
            payment=ours or None,
            reference=bank or None,
            amount=Decimal(amount).scaleb(-minor_places(self._currency)),
            currency=self._currency,
            happened_on=self._day,
        )

    def _close(self, record: _Record) -> None:
        mine, outer = {
            "49": (self._account, self._group), "98": (self._group, self._file), "99": (self._file, None),
        }[record.code]  # fmt: skip
        children = None if record.code == "49" else mine.children
        told = [_field(record, 1), *([] if children is None else [_field(record, 2)])]
        found = [str(mine.amount), *([] if children is None else [str(children)])]
        told.append(_field(record, len(told) + 1))
        found.append(str(mine.records))
        if [_plain(one, record) for one in told] != found:
            raise StructureError("the totals do not add up", where=f"line {record.place}",
                                 remedy="ask the bank for the file again")  # fmt: skip
        if outer is not None:
            outer.amount += mine.amount
            outer.children += 1


def _field(record: _Record, place: int) -> str:
    return record.fields[place] if len(record.fields) > place else ""


def _funds_length(fields: Sequence[str], after: int, record: _Record) -> int:
    """How many fields the funds type takes, itself included. `after`: the place behind it."""
    funds = fields[after - 1] if len(fields) >= after else ""
    if funds == _FUNDS_DATED:
        return 3
    if funds == _FUNDS_SPLIT:
        return 4
    if funds == _FUNDS_MANY:
        pairs = fields[after] if len(fields) > after else ""
        if not pairs.isdigit():
            raise StructureError("distributed funds without their number", where=f"line {record.place}")
        return 2 + 2 * int(pairs)
    return 1


def _amount(text: str, record: _Record) -> int:
    """In minor units: the decimal point is implied."""
    return int(_plain(text, record)) if text else 0


def _plain(text: str, record: _Record) -> str:
    """Without sign and zeros that mean nothing."""
    digits = text.removeprefix("+").removeprefix("-")
    if not digits.isascii() or not digits.isdigit():
        raise StructureError("the amount is not a number", where=f"line {record.place}")
    return str(int(text))


def _day(text: str, record: _Record) -> date:
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        raise StructureError("the day is not a date", where=f"line {record.place}") from None
