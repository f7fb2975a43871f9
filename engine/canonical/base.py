"""What every canonical document is: a frozen value, free of any protocol, exact in JSON."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class Value(BaseModel):
    """A frozen part of a document. Unknown keys are refused; errors never show a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Effective(Value):
    """Something that holds from one day to another; both days are within, None is without an end."""

    valid_from: date | None = Field(default=None, description="First day that it holds; none: it always did.")
    valid_to: date | None = Field(default=None, description="Last day that it holds; none: until further notice.")

    def is_valid_on(self, day: date) -> bool:
        return (self.valid_from or day) <= day <= (self.valid_to or day)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        return self


class Document(Value):
    """A business document. `natural_key` names it among its kind: our reference in every far system.

    `kind` is the name in YAML (`send: Requisition`), in JSON Schema and in events.
    """

    kind: ClassVar[str] = ""
    version: ClassVar[str] = "1.0"

    @property
    def natural_key(self) -> str:
        raise TypeError(f"{type(self).__name__} has no natural key")  # each document defines its own
