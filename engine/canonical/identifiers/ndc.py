"""National Drug Codes: the ten digits of the FDA in three forms, the eleven of billing in one (5-4-2).

Source: FDA, National Drug Code Directory; HIPAA code set rule 45 CFR 162.1002 (11 digits).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, StringConstraints

from engine.canonical.identifiers.numbers import TypedIdentifier
from engine.core.errors import DataTypeError

Form = Literal["4-4-2", "5-3-2", "5-4-1"]

_BILLING = (5, 4, 2)
FORMS: dict[str, tuple[int, int, int]] = {"4-4-2": (4, 4, 2), "5-3-2": (5, 3, 2), "5-4-1": (5, 4, 1)}
_REMEDY = "write the ten digits with hyphens, or say which of 4-4-2, 5-3-2 and 5-4-1 they are"


def _eleven(text: str) -> str:
    if not re.fullmatch(r"[0-9]{11}", text):
        raise ValueError("not the eleven digits of an NDC")
    return text


class Ndc(TypedIdentifier):
    """A drug package as labeler, product and package. `value` are the eleven digits of 5-4-2 without hyphens."""

    scheme: ClassVar[str] = "NDC"
    form: ClassVar[str] = "11 digits, or 10 with hyphens (4-4-2, 5-3-2, 5-4-1)"
    value: Annotated[str, StringConstraints(max_length=20), AfterValidator(_eleven)]

    @classmethod
    def of(cls, text: str, where: str | None = None, form: Form | None = None) -> Self:
        """From eleven digits, or from ten with hyphens; from ten bare digits only with their `form`.

        Raises:
            DataTypeError: no NDC, or ten bare digits: several drugs could be meant.
        """
        given = text.strip().upper().removeprefix("NDC").strip()
        if "-" in given:
            return cls(value="".join(_from_parts(given, where)))
        if re.fullmatch(r"[0-9]{10}", given):
            if form is None:
                raise DataTypeError("ten digits do not tell which form they are", where=where, remedy=_REMEDY)
            return cls(value="".join(_padded(_split(given, FORMS[form]))))
        return super().of(given, where)

    @property
    def hyphenated(self) -> str:
        """5-4-2 with hyphens, as claims print it."""
        return "-".join(_split(self.value, _BILLING))

    def ten(self, form: Form | None = None, where: str | None = None) -> str:
        """The FDA's ten digits with hyphens. Without `form` only where one of the three parts alone begins with 0.

        Raises:
            DataTypeError: no form fits, or several do.
        """
        fits = [name for name in self._fitting() if form in (None, name)]
        if len(fits) == 1:
            parts = _split(self.value, _BILLING)
            return "-".join(part[-width:] for part, width in zip(parts, FORMS[fits[0]], strict=True))
        if fits:
            raise DataTypeError(f"these forms fit: {', '.join(fits)}", where=where, remedy="name the form")
        raise DataTypeError("the part that has a digit less does not begin with 0", where=where, remedy=_REMEDY)

    def _fitting(self) -> Iterator[str]:
        """The forms whose shortened part begins with the 0 that was put before it."""
        parts = _split(self.value, _BILLING)
        for name, widths in FORMS.items():
            shortened = next(part for part, width in zip(parts, widths, strict=True) if width < len(part))
            if shortened.startswith("0"):
                yield name


def _split(digits: str, widths: tuple[int, int, int]) -> tuple[str, str, str]:
    first, second, _ = widths
    return digits[:first], digits[first : first + second], digits[first + second :]


def _padded(parts: tuple[str, ...]) -> list[str]:
    return [part.zfill(width) for part, width in zip(parts, _BILLING, strict=True)]


def _from_parts(given: str, where: str | None) -> list[str]:
    parts = tuple(given.split("-"))
    widths = tuple(len(part) for part in parts)
    if not re.fullmatch(r"[0-9-]+", given) or widths not in {*FORMS.values(), _BILLING}:
        raise DataTypeError("not of the shape of an NDC", where=where, remedy=f"an NDC is {Ndc.form}")
    return _padded(parts)
