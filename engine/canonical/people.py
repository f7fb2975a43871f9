"""What people decide: approvals asked for and given, and what was done with exceptions. Each is a fact for good."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field, StringConstraints

from engine.canonical.base import Code, Document, Text, Value
from engine.canonical.money import Money, Quantity
from engine.canonical.purchasing import Urgency

DossierKey = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Approval(Document):
    """Somebody asks for approval of a document. What became of it follows from the actions on it."""

    kind: ClassVar[str] = "Approval"

    approval_number: Code
    dossier: DossierKey = Field(description="Where it is decided: `requisition:R-1`.")
    subject_kind: Code = Field(description="Kind of the document that is to be approved.")
    subject_key: Text
    requested_by: Code
    requested_at: AwareDatetime
    created_by: Code | None = Field(default=None, description="Who made the document, when it is somebody else.")
    amount: Money | None = None
    supplier_number: Code | None = None
    facility: Code | None = None
    department: Code | None = None
    cost_center: Code | None = None
    category: Code | None = None
    urgency: Urgency = Urgency.ROUTINE
    legal_entity: Code | None = None
    reason: Text | None = None

    @property
    def natural_key(self) -> str:
        return self.approval_number


class ApprovalVerb(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    RETURN = "return"
    WITHDRAW = "withdraw"
    DELEGATE = "delegate"
    COMMENT = "comment"


class ApprovalAction(Document):
    """What a person did with an approval. `who` acted; `on_behalf_of` is whose right it was, by delegation."""

    kind: ClassVar[str] = "ApprovalAction"

    action_number: Code = Field(description="The same when it is told again.")
    approval_number: Code
    dossier: DossierKey
    action: ApprovalVerb
    who: Code
    at: AwareDatetime
    on_behalf_of: Code | None = None
    delegate_to: Code | None = None
    delegate_until: date | None = None
    step: int | None = Field(default=None, ge=1, description="Step of the route; none: the one that is open.")
    reason: Text | None = None
    origin: Code | None = Field(default=None, description="console, api, erp, mail …")

    @property
    def natural_key(self) -> str:
        return f"{self.approval_number}/{self.action_number}"


class CaseVerb(StrEnum):
    """What a person does with an exception."""

    ACCEPT = "accept"
    CORRECT = "correct"
    RETURN_TO_SUPPLIER = "return_to_supplier"
    HOLD = "hold"
    RELEASE = "release"
    SPLIT = "split"
    REMATCH = "rematch"
    REASSIGN = "reassign"
    REJECT = "reject"
    REOPEN = "reopen"
    COMMENT = "comment"


class Correction(Value):
    """`field` is the document's, with lines from 1: `lines[2].order_line_number`. `value` is text, exact."""

    field: Code
    value: Text | None = None


class SplitPart(Value):
    """A part of an invoice line that goes to an order line of its own."""

    line: int = Field(ge=1)
    quantity: Quantity
    order_number: Code | None = None
    order_line_number: int | None = Field(default=None, ge=1)


class CaseAction(Document):
    """A person's decision on an exception. `seen` are the facts as they were shown: other facts, another decision."""

    kind: ClassVar[str] = "CaseAction"

    action_number: Code = Field(description="The same when it is told again.")
    case_id: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    dossier: DossierKey
    action: CaseVerb
    who: Code
    at: AwareDatetime
    reason: Text | None = None
    on_behalf_of: Code | None = None
    case_type: Code | None = None
    place: Text | None = Field(default=None, description="Within the dossier: an invoice's key and line.")
    amount: Money | None = Field(default=None, description="At stake, as it was shown.")
    seen: Code | None = Field(default=None, description="Digest of the facts that were shown.")
    corrections: tuple[Correction, ...] = ()
    parts: tuple[SplitPart, ...] = ()
    assign_to: Code | None = None
    hold_until: date | None = None
    code: Code | None = Field(default=None, description="For the supplier: X12 element 647, 010 total, 011 no match …")
    origin: Code | None = Field(default=None, description="console, api, erp, mail …")

    @property
    def natural_key(self) -> str:
        return self.action_number
