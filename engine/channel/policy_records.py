"""`config/policies/records.yaml`: which system is right about which field."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from engine.canonical import KINDS
from engine.channel.model import Settings

SystemName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]*$", max_length=60)]
EVERY_FIELD = "*"


class FieldOwner(Settings):
    """Who may say what stands in a field. The field named by itself goes before `*`."""

    field: str = Field(description="Kind and field, or all fields of a kind.", examples=["Supplier.bank_accounts"])
    owner: tuple[SystemName, ...] = Field(
        min_length=1, description="Systems that are right about it; the first before the others.", examples=[["erp"]]
    )
    otherwise: Literal["refuse", "keep", "raise"] = Field(
        default="keep",
        description="When another system changes it: refuse the document, keep the owner's value, or keep it and "
        "let a person decide.",
    )

    @property
    def kind(self) -> str:
        return self.field.partition(".")[0]

    @property
    def name(self) -> str:
        return self.field.partition(".")[2]

    @model_validator(mode="after")
    def _field_is_there(self) -> Self:
        kind = KINDS.get(self.kind)
        if kind is None:
            raise ValueError(f"no document is called '{self.kind}'; there are: {', '.join(sorted(KINDS))}")
        if self.name != EVERY_FIELD and self.name not in kind.model_fields:
            known = ", ".join(kind.model_fields)
            raise ValueError(f"{self.kind} has no field '{self.name}'; write one of: {known}, or *")
        return self


class RecordRules(Settings):
    """All of `records.yaml`. What no rule names may be written by every system."""

    fields: tuple[FieldOwner, ...] = Field(default=(), description="Which system is right about which field.")

    @model_validator(mode="after")
    def _once(self) -> Self:
        seen: set[str] = set()
        for one in self.fields:
            if one.field in seen:
                raise ValueError(f"'{one.field}' has two rules: keep one of them")
            seen.add(one.field)
        return self

    def rule_for(self, kind: str, name: str) -> FieldOwner | None:
        """The rule of the field, or of its whole kind."""
        every = None
        for one in self.fields:
            if one.kind == kind and one.name == name:
                return one
            if one.kind == kind and one.name == EVERY_FIELD:
                every = one
        return every
