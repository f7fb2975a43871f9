"""Unique device identifications: what a carrier says, whatever agency it is of.

Source: FDA, UDI formats by issuing agency; 21 CFR 801 subpart B.
"""

from __future__ import annotations

import calendar
from datetime import date
from enum import StrEnum
from typing import Any, Self

from pydantic import model_validator

from engine.canonical.base import Value
from engine.core.errors import DataTypeError


class IssuingAgency(StrEnum):
    GS1 = "GS1"
    HIBCC = "HIBCC"
    ICCBBA = "ICCBBA"


class Udi(Value):
    """One device or package. `device_identifier` (DI) names the model, the rest (PI) this piece of it.

    `raw` is the carrier as scanned. `link` is HIBCC's link character of a secondary carrier that stands alone.
    `donation_number` is ICCBBA's distinct identification code.
    """

    agency: IssuingAgency
    raw: str
    device_identifier: str | None = None
    lot: str | None = None
    serial: str | None = None
    expires_on: date | None = None
    manufactured_on: date | None = None
    quantity: int | None = None
    donation_number: str | None = None
    link: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        named = ("device_identifier", "lot", "serial", "expires_on", "manufactured_on", "donation_number", "quantity")
        if all(getattr(self, name) is None for name in named):
            raise ValueError("the carrier names neither a device nor a lot, serial or date")
        return self

    def joined(self, second: Udi) -> Udi:
        """This primary carrier and the secondary one beside it on the label.

        Raises:
            DataTypeError: the secondary one is of another agency, or of another label (HIBCC's link character).
        """
        if self.agency is not second.agency:
            raise DataTypeError("two carriers of different issuing agencies", where="UDI")
        if second.link is not None and second.link != self.raw.strip("*")[-1:]:
            raise DataTypeError("the second carrier is of another label", where="UDI", remedy="scan both again")
        mine = self.model_dump(exclude_none=True)
        theirs = second.model_dump(exclude_none=True, exclude={"agency", "raw", "link"})
        return Udi(**{**theirs, **mine, "raw": f"{self.raw} {second.raw}"})


def day_of(year: int, month: int, day: int, where: str) -> date:
    """A date; day 0 is the last of the month.

    Raises:
        DataTypeError: there is no such day.
    """
    try:
        last = calendar.monthrange(year, month)[1]
        return date(year, month, day or last)
    except (ValueError, calendar.IllegalMonthError):
        raise DataTypeError("not a date", where=where) from None


def ordinal_day(year: int, day: int, where: str) -> date:
    """The `day`th of the year, from 1.

    Raises:
        DataTypeError: the year has no such day.
    """
    if not 1 <= day <= (366 if calendar.isleap(year) else 365):
        raise DataTypeError("not a day of the year", where=where)
    return date.fromordinal(date(year, 1, 1).toordinal() + day - 1)


def full_year(two_digits: int, today: int | None) -> int:
    """2000 to 2099, as no UDI is older; with the year `today`, GS1's window: 49 years back, 50 ahead.

    Source: GS1 General Specifications 7.12.
    """
    if today is None:
        return 2000 + two_digits
    century = today - today % 100
    ahead = two_digits - today % 100
    return century + two_digits + (-100 if ahead >= 51 else 100 if ahead <= -50 else 0)


def number(text: str, where: str) -> int:
    """A whole number.

    Raises:
        DataTypeError: anything but digits.
    """
    if not (text.isascii() and text.isdigit()):
        raise DataTypeError("not digits", where=where)
    return int(text)


def udi(agency: IssuingAgency, raw: str, facts: dict[str, Any]) -> Udi:
    """The carrier with what it says.

    Raises:
        DataTypeError: the facts name nothing.
    """
    try:
        return Udi(agency=agency, raw=raw, **facts)
    except ValueError:
        raise DataTypeError("the carrier names neither a device nor a lot, serial or date", where="UDI") from None
