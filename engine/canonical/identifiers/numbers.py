"""Numbers of items, places and companies, checked as far as each can be checked by itself.

Where a list has no public check digit only the shape is checked, and the class says so.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, StringConstraints, ValidationError

from engine.canonical.base import Value
from engine.canonical.identifiers.check_digits import dea_check_digit, gs1_check_digit
from engine.core.errors import DataTypeError


class TypedIdentifier(Value):
    """One checked number. `value` is without blanks and hyphens; `scheme` is that of `Identifier`."""

    scheme: ClassVar[str] = ""
    form: ClassVar[str] = ""
    value: str

    @classmethod
    def of(cls, text: str, where: str | None = None) -> Self:
        """The checked number of a text.

        Raises:
            DataTypeError: not of its shape, or the check digit is wrong; the text itself is never told.
        """
        try:
            return cls.model_validate({"value": text})
        except ValidationError as error:
            what = error.errors(include_input=False, include_url=False, include_context=False)[0]["msg"]
            what = what.removeprefix("Value error, ")
            raise DataTypeError(what, where=where, remedy=f"a {cls.scheme} is {cls.form}") from None

    def __str__(self) -> str:
        return self.value


def _bare(text: str) -> str:
    return text.replace(" ", "").replace("-", "").upper()


def _gs1(name: str, *lengths: int) -> AfterValidator:
    def _check(text: str) -> str:
        digits = _bare(text)
        if not re.fullmatch(r"[0-9]+", digits) or len(digits) not in lengths:
            raise ValueError(f"not the digits of a {name}")
        if gs1_check_digit(digits[:-1]) != digits[-1]:
            raise ValueError(f"the check digit of the {name} is wrong")
        return digits

    return AfterValidator(_check)


def _shape(name: str, pattern: str) -> AfterValidator:
    shape = re.compile(pattern)

    def _check(text: str) -> str:
        bare = _bare(text)
        if not shape.fullmatch(bare):
            raise ValueError(f"not of the shape of a {name}")
        return bare

    return AfterValidator(_check)


def _dea(text: str) -> str:
    bare = _bare(text)
    if not re.fullmatch(r"[A-HJ-NP-UX][A-Z9][0-9]{7}", bare):
        raise ValueError("not of the shape of a DEA number")
    if dea_check_digit(bare[2:8]) != bare[8]:
        raise ValueError("the check digit of the DEA number is wrong")
    return bare


_Text = Annotated[str, StringConstraints(max_length=40)]


class Gtin(TypedIdentifier):
    """A trade item at one packaging level: GTIN-8, -12 (UPC), -13 (EAN) or -14. Source: GS1 General Specifications."""

    scheme: ClassVar[str] = "GTIN"
    form: ClassVar[str] = "8, 12, 13 or 14 digits of which the last is a check digit"
    value: Annotated[_Text, _gs1("GTIN", 8, 12, 13, 14)]

    @property
    def gtin_14(self) -> str:
        """With zeros in front: the same item in every length."""
        return self.value.zfill(14)

    @property
    def packaging_level(self) -> int:
        """The indicator digit: 0 the base unit, 1 to 8 larger packages, 9 of varying measure."""
        return int(self.gtin_14[0])


class Gln(TypedIdentifier):
    """A legal entity or place: 13 digits."""

    scheme: ClassVar[str] = "GLN"
    form: ClassVar[str] = "13 digits of which the last is a check digit"
    value: Annotated[_Text, _gs1("GLN", 13)]


class Sscc(TypedIdentifier):
    """A logistic unit (pallet, parcel): 18 digits, as in MAN GM."""

    scheme: ClassVar[str] = "SSCC"
    form: ClassVar[str] = "18 digits of which the last is a check digit"
    value: Annotated[_Text, _gs1("SSCC", 18)]


class Dea(TypedIdentifier):
    """A registrant of the Drug Enforcement Administration: two letters (the second may be 9) and seven digits."""

    scheme: ClassVar[str] = "DEA"
    form: ClassVar[str] = "two letters and seven digits of which the last is a check digit"
    value: Annotated[_Text, AfterValidator(_dea)]


class Unspsc(TypedIdentifier):
    """A class of goods: segment, family, class, commodity, two digits each. It has no check digit."""

    scheme: ClassVar[str] = "UNSPSC"
    form: ClassVar[str] = "8 digits, the first two from 10 on"
    value: Annotated[_Text, _shape("UNSPSC code", r"[1-9][0-9]{7}")]

    @property
    def levels(self) -> tuple[str, ...]:
        """Segment, family, class and commodity, each filled up with zeros; shorter for a code that is not a leaf."""
        found = [self.value[: 2 * level].ljust(8, "0") for level in range(1, 5)]
        return tuple(dict.fromkeys(found))


class Hin(TypedIdentifier):
    """A Health Industry Number: seven characters of a facility and two of a place in it, `00` the whole.

    HIBCC does not publish how it is checked: only the shape is.
    """

    scheme: ClassVar[str] = "HIN"
    form: ClassVar[str] = "9 letters and digits, or the 7 of the facility alone"
    value: Annotated[_Text, _shape("HIN", r"[0-9A-Z]{7}(?:[0-9A-Z]{2})?")]

    @property
    def facility(self) -> str:
        return self.value[:7]


class Duns(TypedIdentifier):
    """A company at Dun & Bradstreet: 9 digits. Since 2006 they have no check digit."""

    scheme: ClassVar[str] = "DUNS"
    form: ClassVar[str] = "9 digits"
    value: Annotated[_Text, _shape("DUNS number", r"[0-9]{9}")]


class Duns4(TypedIdentifier):
    """A company at Dun & Bradstreet and one of its places: 13 characters."""

    scheme: ClassVar[str] = "DUNS4"
    form: ClassVar[str] = "9 digits and 4 letters or digits"
    value: Annotated[_Text, _shape("DUNS+4 number", r"[0-9]{9}[0-9A-Z]{4}")]


class Uei(TypedIdentifier):
    """A Unique Entity Identifier of SAM.gov: 12 letters and digits without I and O, the first not 0.

    Its check character is not published: only the shape is checked. Source: GSA, UEI technical specification.
    """

    scheme: ClassVar[str] = "UEI"
    form: ClassVar[str] = "12 letters and digits without I and O, the first not 0"
    value: Annotated[_Text, _shape("UEI", r"[1-9A-HJ-NP-Z][0-9A-HJ-NP-Z]{11}")]


class Lic(TypedIdentifier):
    """A labeler at HIBCC: a letter and three letters or digits."""

    scheme: ClassVar[str] = "LIC"
    form: ClassVar[str] = "a letter and three letters or digits"
    value: Annotated[_Text, _shape("LIC", r"[A-Z][0-9A-Z]{3}")]
