"""What every canonical document is: a frozen value, free of any protocol, exact in JSON."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class Value(BaseModel):
    """A frozen part of a document. Unknown keys are refused; errors never show a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Document(Value):
    """A business document. `natural_key` names it among its kind: our reference in every far system.

    `kind` is the name in YAML (`send: Requisition`), in JSON Schema and in events.
    """

    kind: ClassVar[str] = ""
    version: ClassVar[str] = "1.0"

    @property
    def natural_key(self) -> str:
        raise TypeError(f"{type(self).__name__} has no natural key")  # each document defines its own
