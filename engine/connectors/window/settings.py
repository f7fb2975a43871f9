"""Settings of the `window` source.

source:
  type: window
  channels: [supply_charges]
  kind: Consumption
  every: 1h
  zone: America/New_York
  group_by: [cost_center, item_number]
  sum: [quantity, extended]
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, field_validator, model_validator

from engine.canonical import KINDS
from engine.channel.model import Duration, Name, Settings
from engine.connectors.window.grid import DAY, Grid

_SHORTEST = timedelta(minutes=1)


def _kind(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"no document is called '{name}'; there are: {', '.join(sorted(KINDS))}")
    return name


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("not a zone; write an IANA name, for example America/Chicago") from None
    return name


Path = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$", max_length=200)]


class LineFrom(Settings):
    """From which amount on a line is told by itself."""

    sum: Path = Field(description="One of `sum`.", examples=["extended"])
    amount: Decimal = Field(gt=0, description="At this amount and above, in whatever unit it has.", examples=["1000"])


class WindowSourceSettings(Settings):
    """Which documents are summed, in which windows, and how."""

    channels: tuple[Name, ...] = Field(
        min_length=1, description="Channels whose documents are summed.", examples=[["supply_charges"]]
    )
    kind: Annotated[str, AfterValidator(_kind)] = Field(description="Kind of the documents.", examples=["Consumption"])
    every: Duration = Field(description="Length of a window; it goes into a day without rest.", examples=["5m", "24h"])
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="Windows begin at midnight of this zone, an IANA name.", examples=["America/Chicago"]
    )
    each: Path | None = Field(
        default="lines", description="List in the document whose entries are grouped and summed; null: the document."
    )
    group_by: tuple[Path, ...] = Field(
        default=(), description="Fields of the entry, else of the document; equal ones are one message.",
        examples=[["cost_center", "item_number"]],
    )  # fmt: skip
    sum: tuple[Path, ...] = Field(
        min_length=1,
        description="Amounts, quantities and money; units and currencies that differ are groups of their own.",
        examples=[["quantity", "extended"]],
    )
    rule: Literal["summary", "line", "value"] = Field(
        default="summary",
        description="One message a group, one an entry, or by value: entries from `line_from` on by themselves.",
    )
    line_from: LineFrom | None = Field(default=None, description="With rule: value.")
    time: Path | None = Field(
        default=None, description="Time in the document that tells its window; none: when it was made.",
        examples=["used_at"],
    )  # fmt: skip
    wait: Duration = Field(
        default=timedelta(seconds=5), description="How long after its end a window is still open for what is late."
    )
    late: Literal["next", "own"] = Field(
        default="next",
        description="What comes later still: counted in the next window, or a further message of its own.",
    )

    @field_validator("every")
    @classmethod
    def _goes_into_a_day(cls, every: timedelta) -> timedelta:
        if not _SHORTEST <= every <= DAY or DAY % every:
            raise ValueError("a window goes into a day without rest: 1m, 5m, 15m, 1h, 6h, 24h")
        return every

    @model_validator(mode="after")
    def _rule_is_complete(self) -> WindowSourceSettings:
        if (self.rule == "value") != (self.line_from is not None):
            raise ValueError("line_from belongs to rule: value, and only to it")
        if self.line_from is not None and self.line_from.sum not in self.sum:
            raise ValueError("line_from.sum is one of sum")
        if not timedelta(0) <= self.wait <= timedelta(hours=24):
            raise ValueError("wait is at most 24h")
        return self

    def grid(self) -> Grid:
        return Grid(self.every, self.zone)
