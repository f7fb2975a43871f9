"""`config/policies/usage.yaml`: how use, charges and stock are compared, posted and filled up again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.channel.model import Settings
from engine.channel.policy_parts import PolicyCode

Hours = Annotated[int, Field(ge=0, le=2400)]


class Usage(Settings):
    """All of `usage.yaml`. An account that is left out: nothing of that kind is posted."""

    charge_window_hours: Hours = Field(
        default=24, description="Use and charge of one visit belong together when they are no further apart."
    )
    patience_hours: Hours = Field(
        default=72, description="So long a source is waited for that never tells how far it is.", examples=[72]
    )
    late_after_days: Annotated[int, Field(ge=0, le=365)] = Field(
        default=1, description="Business days after which a delivery that did not come is late."
    )
    posting: Literal["line", "summary"] = Field(
        default="line", description="Cost of what was used: line by line, or summed by account and cost center."
    )
    inventory_account: PolicyCode | None = Field(default=None, description="What lies on the shelf.", examples=["1310"])
    expense_account: PolicyCode | None = Field(
        default=None, description="Cost of items that have no account of their own.", examples=["6100"]
    )
    accrued_account: PolicyCode | None = Field(
        default=None, description="Owed for what was received or used and not invoiced yet.", examples=["2110"]
    )
    accrue: tuple[Literal["used_not_invoiced", "received_not_invoiced"], ...] = Field(
        default=("used_not_invoiced",), description="What is accrued, and taken back when the invoice is there."
    )
    replenish: bool = Field(default=True, description="A requisition is raised when stock falls to its threshold.")
