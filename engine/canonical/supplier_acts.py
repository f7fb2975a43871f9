"""What is done with suppliers' masters: two become one, or two again; names are looked up in lists of sanctions."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field, model_validator

from engine.canonical.base import Code, Document, Text


class SupplierMerge(Document):
    """Two numbers of one legal entity become one; `active` False splits them again. Both masters stay as they are."""

    kind: ClassVar[str] = "SupplierMerge"

    absorbed_number: Code = Field(description="The number that ends.")
    survivor_number: Code = Field(description="The number that goes on.")
    requested_by: Code
    requested_at: AwareDatetime
    active: bool = Field(default=True, description="False: they are two again.")
    take: tuple[Code, ...] = Field(default=(), description="Fields that the absorbed master is right in.")
    reason: Text | None = None

    @property
    def natural_key(self) -> str:
        """A number ends in one other at a time."""
        return self.absorbed_number

    @model_validator(mode="after")
    def _two(self) -> SupplierMerge:
        if self.absorbed_number == self.survivor_number:
            raise ValueError("a supplier cannot be merged into itself")
        return self


class SanctionsScreening(Document):
    """What the lists of sanctioned parties said of a supplier's names; `names` is the digest of what was asked."""

    kind: ClassVar[str] = "SanctionsScreening"

    supplier_number: Code
    names: Code
    list_name: Code
    is_clear: bool
    screened_at: AwareDatetime
    entries: tuple[Code, ...] = Field(default=(), description="Numbers of the list's entries that are alike.")

    @property
    def natural_key(self) -> str:
        return f"{self.supplier_number}/{self.list_name}"
