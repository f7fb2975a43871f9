"""What was used and charged, where, for which visit and account. No clinical data, no patient names."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from engine.canonical.base import Code, Document, Text, Value
from engine.canonical.money import Money, Quantity


class Disposition(StrEnum):
    """What became of it. What was opened and not used is paid for, and not charged."""

    USED = "used"
    IMPLANTED = "implanted"
    WASTED = "wasted"
    OPENED = "opened"
    EXPLANTED = "explanted"
    RETURNED = "returned"


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
    expires_on: date | None = None
    udi: Code | None = Field(default=None, description="As it is on the label.")
    device_identifier: Code | None = None
    disposition: Disposition = Disposition.USED
    bill_only: bool = Field(default=False, description="Not from our stock: it is ordered to be billed.")
    consignment: bool = Field(default=False, description="From our shelf, but the supplier's until now.")
    replenish: bool = Field(default=False, description="Bill and replace: what was used is delivered anew.")
    supplier_number: Code | None = None
    location: Code | None = None
    documented_by: Code | None = Field(default=None, description="nurse, representative, dispensing, scan …")


class Consumption(Document):
    """Supplies used at one time. `visit_number` links to the account, never to the patient."""

    kind: ClassVar[str] = "Consumption"
    version: ClassVar[str] = "1.1"

    consumption_number: Code
    used_at: datetime
    lines: tuple[ConsumptionLine, ...] = Field(min_length=1)
    facility: Code | None = None
    department: Code | None = None
    visit_number: Code | None = None
    account_number: Code | None = Field(default=None, description="Patient account; never the patient.")
    case_reference: Code | None = Field(default=None, description="Surgical or implant case.")
    procedure_on: date | None = None
    location: Code | None = Field(default=None, description="Of lines that name none.")
    sheet_number: Code | None = Field(default=None, description="Sticker sheet or usage form.")
    cancelled: bool = Field(default=False, description="It was documented in error: it counts for nothing.")

    @property
    def natural_key(self) -> str:
        return self.consumption_number


class ChargeKind(StrEnum):
    CHARGE = "charge"
    CREDIT = "credit"


class ChargeEvent(Document):
    """A charge on a patient account: what was billed, not what was taken. It holds references only.

    Source: HL7 FT1 (FT1-6 CG or CR), FHIR ChargeItem.
    """

    kind: ClassVar[str] = "ChargeEvent"

    charge_number: Code
    charge_code: Code
    charged_at: AwareDatetime
    quantity: Quantity
    charge_kind: ChargeKind = ChargeKind.CHARGE
    account_number: Code | None = Field(default=None, description="Patient account; never the patient.")
    visit_number: Code | None = None
    amount: Money | None = Field(default=None, description="For the whole quantity.")
    item_number: Code | None = None
    facility: Code | None = None
    department: Code | None = None
    cost_center: Code | None = None
    case_reference: Code | None = None
    lot: Code | None = None
    serial: Code | None = None
    device_identifier: Code | None = None
    reverses: Code | None = Field(default=None, description="Of a credit: the charge that it takes back.")

    @property
    def natural_key(self) -> str:
        return self.charge_number


class AccountState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class PatientAccount(Document):
    """That an account exists, where, and of which class: for charges to be posted by. No person is in it."""

    kind: ClassVar[str] = "PatientAccount"

    account_number: Code
    facility: Code | None = None
    patient_class: Code | None = Field(default=None, description="HL7 table 0004: I inpatient, O outpatient, E …")
    state: AccountState = AccountState.OPEN
    visit_numbers: tuple[Code, ...] = ()
    opened_on: date | None = None
    closed_on: date | None = None

    @property
    def natural_key(self) -> str:
        return self.account_number


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
