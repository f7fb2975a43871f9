"""What was used, where, for which visit: consumption and visit context. No clinical data, no patient names."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from engine.canonical.base import Code, Document, Text, Value
from engine.canonical.money import Money, Quantity


class ConsumptionLine(Value):
    """`charge_code` is what was billed, `item_number` what was taken from the shelf; at least one is known."""

    number: int = Field(ge=1)
    quantity: Quantity
    transaction_id: Code | None = None
    item_number: Code | None = None
    charge_code: Code | None = None
    description: Text | None = None
    unit_cost: Money | None = None
    extended: Money | None = None
    cost_center: Code | None = None
    lot: Code | None = None
    serial: Code | None = None


class Consumption(Document):
    """Supplies used at one time. `visit_number` links to the account, never to the patient."""

    kind: ClassVar[str] = "Consumption"

    consumption_number: Code
    used_at: datetime
    lines: tuple[ConsumptionLine, ...] = Field(min_length=1)
    facility: Code | None = None
    department: Code | None = None
    visit_number: Code | None = None

    @property
    def natural_key(self) -> str:
        return self.consumption_number


class VisitContext(Document):
    """Department, class and dates of a visit, for cost center and charge context."""

    kind: ClassVar[str] = "VisitContext"

    visit_number: Code
    event: Code
    facility: Code | None = None
    department: Code | None = None
    patient_class: Code | None = None
    admitted_at: datetime | None = None
    discharged_at: datetime | None = None
    note: Text | None = None

    @property
    def natural_key(self) -> str:
        return self.visit_number
