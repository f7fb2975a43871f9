"""What several policies are written with: exact amounts, times in business hours, and to whom a rule applies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from engine.channel.model import Settings

_FORMS = "write a time as: 4 business hours, 2 business days, 30m, 24h or 7d"
_PLAIN = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def exact_number(value: object) -> object:
    if isinstance(value, float):
        raise ValueError("a number with decimals is written in quotes, so that it stays exact")
    return value


NUMBER = WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}]})
Amount = Annotated[Decimal, BeforeValidator(exact_number), Field(ge=0, allow_inf_nan=False), NUMBER]
Percent = Annotated[Decimal, BeforeValidator(exact_number), Field(ge=0, le=1000, allow_inf_nan=False), NUMBER]
PolicyCode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
DayTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


class WorkTime(NamedTuple):
    """`plain`: time by the clock; else `number` business hours or days of the calendar that applies."""

    unit: Literal["plain", "hours", "days"]
    number: int = 0
    plain: timedelta = timedelta(0)

    def __str__(self) -> str:
        if self.unit != "plain":
            return f"{self.number} business {self.unit}"
        seconds = self.plain.days * 86_400 + self.plain.seconds
        unit, size = next((u, s) for u, s in (("d", 86_400), ("h", 3600), ("m", 60)) if seconds % s == 0)
        return f"{seconds // size}{unit}"


def parse_work_time(text: str) -> WorkTime:
    """Raises ValueError with the accepted forms."""
    match = re.fullmatch(r"(\d{1,4})\s*(?:business\s+(hour|day)s?|(m|h|d))", text.strip())
    if not match:
        raise ValueError(_FORMS)
    count = int(match[1])
    if match[3]:
        return WorkTime("plain", plain=count * _PLAIN[match[3]])
    return WorkTime("hours" if match[2] == "hour" else "days", count)


def _work_time(value: object) -> object:
    if isinstance(value, WorkTime):
        return value
    if not isinstance(value, str):
        raise ValueError(_FORMS)
    return parse_work_time(value)


Within = Annotated[
    Any,
    BeforeValidator(_work_time),
    PlainSerializer(str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d{1,4}\s*(business\s+(hour|day)s?|m|h|d)$",
            "examples": ["4 business hours", "2 business days", "24h"],
        }
    ),
]
"""A `WorkTime` as people write it."""


class Scope(Settings):
    """To what a rule applies. What is left out applies to all; the rule that names most, and most exactly, wins."""

    supplier: PolicyCode | None = Field(default=None, description="Supplier's number.", examples=["S1003"])
    category: PolicyCode | None = Field(default=None, description="Category of the item.", examples=["implants"])
    department: PolicyCode | None = Field(default=None, description="Department.", examples=["M-OR"])
    facility: PolicyCode | None = Field(default=None, description="Facility.", examples=["HARBOR_MAIN"])
    legal_entity: PolicyCode | None = Field(default=None, description="Legal entity.", examples=["HARBOR"])

    def takes(self, of: Aspects) -> bool:
        """Whether all that the rule names is so."""
        return all(wanted is None or wanted == getattr(of, name) for name, wanted in self._named())

    @property
    def exactness(self) -> int:
        """A supplier outweighs a category, and that a department, a facility, a legal entity."""
        weights = {"supplier": 16, "category": 8, "department": 4, "facility": 2, "legal_entity": 1}
        return sum(weights[name] for name, wanted in self._named() if wanted is not None)

    def _named(self) -> Iterable[tuple[str, str | None]]:
        return ((name, getattr(self, name)) for name in Scope.model_fields)


class Aspects(NamedTuple):
    """Of a case, an invoice line, a request: what rules tell them apart by."""

    supplier: str | None = None
    category: str | None = None
    department: str | None = None
    facility: str | None = None
    legal_entity: str | None = None


S = TypeVar("S", bound=Scope)


def most_specific(rules: Iterable[S], of: Aspects) -> list[S]:
    """Those that apply, the most specific first; of equals the first written."""
    return sorted((rule for rule in rules if rule.takes(of)), key=lambda rule: -rule.exactness)
