"""What a system said of a field that another system is right about."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field

from engine.canonical.base import Code, Document, Text


class FieldClaim(Document):
    """A system wrote a field that others own; the owner's value stayed. The value is not told: it may be secret."""

    kind: ClassVar[str] = "FieldClaim"

    subject_kind: Code
    subject_key: Text
    field: Code
    system: Code
    owner: tuple[Code, ...] = Field(min_length=1, description="Systems that are right about the field.")
    claimed_at: AwareDatetime
    stands: bool = Field(default=True, description="False: it says so no longer.")

    @property
    def natural_key(self) -> str:
        return f"{self.subject_kind}/{self.subject_key}/{self.field}/{self.system}"

    @property
    def dossier(self) -> str:
        return f"claims:{self.subject_kind}/{self.subject_key}"
