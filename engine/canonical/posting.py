"""What a far system answered to a command of the process, and what a comparison with it found.

Sources: docs/adr/0009-dossiers.md; domain rules on posting and reconciliation.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from engine.canonical.base import Code, Document, Text, Value
from engine.canonical.money import Money
from engine.canonical.people import DossierKey


class HeldThere(Value):
    """A document that a system holds under the number of ours, and that is not ours."""

    reference: Code = Field(description="The system's own number.")
    number: Code | None = Field(default=None, description="The number that its sender gave it.")
    total: Money | None = None
    dated: date | None = None
    state: Code | None = Field(default=None, description="In the system's words.")
    is_posted: bool = Field(default=False, description="It counts there: neither a draft nor cancelled.")


class MasterKey(Value):
    """A master by its kind and natural key."""

    kind: Code
    key: Text


class PostingResult(Document):
    """A system did what a command asked for, or refused. Told again it is the same; a later answer is a new version."""

    kind: ClassVar[str] = "PostingResult"
    version: ClassVar[str] = "1.1"

    dossier: DossierKey = Field(description="Where the command came from.")
    command: Code = Field(description="`post_invoice`, `undo_post_invoice`, `propagate_supplier` …")
    system: Code = Field(default="erp", description="Who answered.")
    subject_kind: Code
    subject_key: Text
    ok: bool
    answered_at: AwareDatetime
    command_key: str | None = Field(
        default=None, max_length=1000, description="Which command was answered; left out: the last one of its name."
    )
    reference: Code | None = Field(default=None, description="Number of the document there.")
    code: Code | None = Field(default=None, description="Why it was refused: the adapter's code.")
    reason: Text | None = None
    posted_on: date | None = Field(default=None, description="Accounting day there.")
    lacks: MasterKey | None = Field(default=None, description="Why it was refused: a master that it does not have.")
    holds: HeldThere | None = Field(default=None, description="Why it was refused: what stands there in its place.")

    @property
    def natural_key(self) -> str:
        return f"{self.system}/{self.command}/{self.subject_kind}/{self.subject_key}"


class DriftCause(StrEnum):
    MISSING_THERE = "missing_there"
    MISSING_HERE = "missing_here"
    AMOUNT = "amount"
    STATE = "state"


class Drift(Value):
    """One document that is not the same on both sides."""

    cause: DriftCause
    subject_kind: Code
    subject_key: Text
    supplier_number: Code | None = None
    here: Money | None = None
    there: Money | None = None
    state_here: Code | None = None
    state_there: Code | None = None


class ReconciliationReport(Document):
    """What a comparison with a system found for one period. The newest version counts."""

    kind: ClassVar[str] = "ReconciliationReport"

    system: Code
    subject_kind: Code
    period: Code = Field(description="Month of the accounting day: 2026-11.")
    compared_at: AwareDatetime
    count_here: int = Field(ge=0)
    count_there: int = Field(ge=0)
    drifts: tuple[Drift, ...] = ()
    left_out: int = Field(default=0, ge=0, description="Drifts beyond the most that a report holds.")

    @property
    def natural_key(self) -> str:
        return f"{self.system}/{self.subject_kind}/{self.period}"
