"""What one side's books say of a document that its syntax let in: taken, or refused, and why."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from engine.canonical.base import Code, Document, Value
from engine.canonical.party import Identifier, Party

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class AdviceAction(StrEnum):
    """What became of the document. Anything but `accepted` is for a person to look at."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_CHANGES = "accepted_with_changes"
    ACCEPTED_WITH_ERRORS = "accepted_with_errors"
    PARTLY = "partly"
    REJECTED = "rejected"
    ON_HOLD = "on_hold"


class AdvisedFault(Value):
    """Why, in the words and codes of X12; it never repeats what was wrong.

    `code` is X12 element 647: 006 duplicate, 007 missing data, 009 invalid date, 010 total out of balance,
    011 not matching, 012 invalid combination, 024 other, ZZZ agreed between the two.
    `position` and `element` count from 1, ST being segment 1.
    """

    code: Code
    text: Words | None = None
    segment: Code | None = None
    position: int | None = Field(default=None, ge=1)
    element: int | None = Field(default=None, ge=1)


class AdvisedDocument(Value):
    """One document of the other side: `scheme` and `number` name it (IV an invoice, PO an order).

    `group_number`, `set_number` and `transaction_set` are those of the set that brought it, where they are known.
    """

    action: AdviceAction
    scheme: Code
    number: Code
    code: Code | None = Field(default=None, description="X12 OTI01, when it says more than the action: IR, GR …")
    transaction_set: Code | None = None
    group_number: Code | None = None
    set_number: Code | None = None
    faults: tuple[AdvisedFault, ...] = ()
    references: tuple[Identifier, ...] = ()


class ApplicationAdvice(Document):
    """Tells the other side what was done with its documents. Without `advised_on` it is of the day it is sent."""

    kind: ClassVar[str] = "ApplicationAdvice"

    advice_number: Code
    supplier_number: Code
    documents: tuple[AdvisedDocument, ...] = Field(min_length=1)
    advised_on: date | None = None
    purpose: Code = Field(default="11", description="X12 BGN01: 11 response, 00 original, 44 rejection.")
    parties: tuple[Party, ...] = ()

    @property
    def natural_key(self) -> str:
        """Advice numbers are their sender's, so they are unique per supplier only."""
        return f"{self.supplier_number}/{self.advice_number}"

    @property
    def accepted(self) -> bool:
        return all(one.action is AdviceAction.ACCEPTED for one in self.documents)
