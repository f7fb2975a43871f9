"""`config/policies/calendars.yaml`: business hours, holidays and fiscal periods. `milestones.yaml`: promised times."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from engine.channel.model import Name, Settings
from engine.channel.policy_parts import DayTime, PolicyCode, Scope, Within

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError(f"'{name}' is not a zone: write an IANA name such as America/Chicago") from None


class BusinessCalendar(Settings):
    """When people work."""

    zone: Annotated[str, AfterValidator(_zone)] = Field(default="UTC", description="IANA zone.", examples=["UTC"])
    days: tuple[Day, ...] = Field(default=DAYS[:5], min_length=1, description="Business days of the week.")
    opens: DayTime = Field(default="08:00", description="Start of business.", examples=["08:00"])
    closes: DayTime = Field(default="17:00", description="End of business.", examples=["17:00"])
    holidays: dict[date, str] = Field(
        default_factory=dict, description="Days without business, and why.", examples=[{"2026-12-25": "Christmas"}]
    )

    @model_validator(mode="after")
    def _open_at_all(self) -> Self:
        if self.closes <= self.opens:
            raise ValueError("closes is not after opens")
        if len(set(self.days)) < len(self.days):
            raise ValueError("a day stands twice in days:")
        return self


class FiscalYear(Settings):
    """Periods are months, numbered from the year's first; the year is named by the one it ends in."""

    first_month: Annotated[int, Field(ge=1, le=12)] = Field(default=1, description="Month the year begins in.")
    closed_through: date | None = Field(
        default=None, description="Nothing is posted on this day or before.", examples=["2026-09-30"]
    )
    closed_months: tuple[Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")], ...] = Field(
        default=(), description="Single months that are closed, too.", examples=[["2026-10"]]
    )
    open_months: tuple[Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")], ...] = Field(
        default=(), description="Months opened once more in spite of closed_through.", examples=[["2026-08"]]
    )
    calendar: Name | None = Field(default=None, description="Business calendar; left out: the usual one.")


class Calendars(Settings):
    """All of `calendars.yaml`."""

    usual: Name = Field(default="usual", description="Calendar of all that names none.")
    calendars: dict[Name, BusinessCalendar] = Field(
        default_factory=lambda: {"usual": BusinessCalendar()}, description="Calendars by name."
    )
    facilities: dict[PolicyCode, Name] = Field(default_factory=dict, description="Facility to its calendar.")
    legal_entities: dict[PolicyCode, FiscalYear] = Field(
        default_factory=dict, description="Fiscal years by legal entity; `default` for the others."
    )

    @model_validator(mode="after")
    def _usual_is_there(self) -> Self:
        if self.usual not in self.calendars:
            raise ValueError(f"there is no calendar '{self.usual}', which usual: names")
        return self


MilestoneName = Literal[
    "charge_to_erp",
    "inventory_to_requisition",
    "requisition_to_order",
    "order_to_acknowledgement",
    "invoice_cycle",
    "exception_first_response",
    "exception_decided",
    "approval_decided",
    "payment_confirmed",
]


class Milestone(Scope):
    """A promise: from one stage to another within a time."""

    milestone: MilestoneName = Field(description="Between which stages.", examples=["invoice_cycle"])
    within: Within = Field(description="Promised time.", examples=["5 business days"])
    share: Annotated[int, Field(ge=1, le=100)] = Field(default=95, description="Percent that must keep it.")
    owner: str = Field(default="", description="Role that answers for it.", examples=["accounts-payable"])


class Milestones(Settings):
    """All of `milestones.yaml`."""

    milestones: tuple[Milestone, ...] = Field(default=(), description="The most specific that applies counts.")
