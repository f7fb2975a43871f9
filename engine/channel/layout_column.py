"""A column of a layout, as the analyst writes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.channel.model import Name, Settings
from engine.protocols.tabular.dates import check_format
from engine.protocols.tabular.layout import LONGEST_CELL, Column
from engine.protocols.tabular.pattern import check_pattern


def _pattern(text: str) -> str:
    check_pattern(text)
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]


class ColumnModel(Settings):
    """One value of a record."""

    name: Name = Field(description="Its name in scripts and paths.", examples=["unit_price"])
    type: Literal["text", "integer", "decimal", "date", "time", "boolean"] = Field(
        default="text", description="What it is. Numbers are exact."
    )
    heading: str | None = Field(
        default=None, max_length=200, description="The words in the file's header line; none: the name.",
        examples=["Item No."],
    )  # fmt: skip
    start: int | None = Field(
        default=None, ge=1, le=100_000,
        description="fixed_width: first character, from 1; none: behind the column before.",
    )  # fmt: skip
    length: int | None = Field(default=None, ge=1, le=LONGEST_CELL, description="fixed_width: characters.")
    required: bool = Field(default=False, description="A record without it is refused.")
    pattern: Pattern | None = Field(
        default=None,
        description="What the text must look like: a regular expression without repeated groups.",
        examples=["[A-Z]{2}[0-9]{4}"],
    )
    longest: int = Field(default=4000, ge=1, le=LONGEST_CELL, description="A longer text is refused.")
    trim: bool = Field(default=True, description="Take blanks off both ends.")
    default: str | None = Field(default=None, description="Text that stands for an empty cell.")
    scale: int | None = Field(
        default=None, ge=0, le=12, description="decimal: most digits behind the mark; when written, as many."
    )
    implied: bool = Field(default=False, description="decimal: no mark; the last `scale` digits are decimals.")
    rounded: bool = Field(default=False, description="decimal: more digits than `scale` are rounded, not refused.")
    codes: dict[str, str] | tuple[str, ...] = Field(
        default=(), description="The only texts that may stand there; or each with what it means.",
        examples=[["EA", "BX"], {"1": "EA"}],
    )  # fmt: skip
    formats: tuple[str, ...] = Field(
        default=(), description="date, time: forms that are read; the first is written. None: the layout's.",
        examples=[["MM/DD/YYYY"]],
    )  # fmt: skip
    true: tuple[str, ...] = Field(
        default=("true", "yes", "y", "1"), min_length=1, description="boolean: words for yes."
    )
    false: tuple[str, ...] = Field(
        default=("false", "no", "n", "0"), min_length=1, description="boolean: words for no."
    )
    align: Literal["left", "right"] | None = Field(
        default=None, description="fixed_width, written: where the text stands; none: numbers right, others left."
    )
    fill: str = Field(default=" ", min_length=1, max_length=1, description="fixed_width, written: fills the rest.")
    source: str | None = Field(
        default=None, alias="from", pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$",
        description="Where the value stands in a document that is written; none: under the column's name.",
        examples=["lines.quantity.amount"],
    )  # fmt: skip

    @model_validator(mode="after")
    def _fits_its_type(self) -> ColumnModel:
        if (self.scale is not None or self.implied or self.rounded) and self.type != "decimal":
            raise ValueError("scale, implied and rounded belong to type: decimal")
        if self.implied and not self.scale:
            raise ValueError("implied needs scale: how many of the digits are decimals")
        if self.rounded and self.scale is None:
            raise ValueError("rounded needs scale: to how many decimals")
        if self.formats and self.type not in ("date", "time"):
            raise ValueError("formats belong to type: date or time")
        for text in self.formats:
            check_format(text, "YMD" if self.type == "date" else "HI")
        if {w.casefold() for w in self.true} & {w.casefold() for w in self.false}:
            raise ValueError("a word cannot mean yes and no")
        return self

    def column(self, start: int, codes: dict[str, str]) -> Column:
        number = self.type in ("integer", "decimal")
        return Column(
            name=self.name,
            kind=self.type,
            heading=self.heading or "",
            start=start,
            length=self.length or 0,
            required=self.required,
            pattern=self.pattern,
            longest=self.longest,
            trim=self.trim,
            default=self.default,
            scale=self.scale,
            implied=self.implied,
            rounded=self.rounded,
            codes=codes,
            formats=self.formats,
            true=self.true,
            false=self.false,
            align=self.align or ("right" if number else "left"),
            fill=self.fill,
            source=self.source or "",
        )


def codes_of(codes: Any) -> dict[str, str]:
    return dict(codes) if isinstance(codes, dict) else {code: code for code in codes}


def placed(columns: tuple[ColumnModel, ...]) -> list[tuple[int, ColumnModel]]:
    """Each with its first character; without one it follows the column before."""
    found, following = [], 1
    for column in columns:
        start = column.start or following
        following = start + (column.length or 0)
        found.append((start, column))
    return found
