"""`config/policies/tolerances.yaml` and `matching.yaml`: how far an invoice may differ, and what it is matched with."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.channel.model import Settings
from engine.channel.policy_parts import Amount, Percent, PolicyCode, Scope

ToleranceRule = Literal[
    "price",
    "quantity_ordered",
    "quantity_received",
    "quantity_accepted",
    "line_amount",
    "invoice_total",
    "tax",
    "tax_line",
    "freight",
    "date",
    "small_differences",
]


class Limit(Settings):
    """How far to one side. Of two limits `take` says which counts. At the limit is within."""

    absolute: Amount | None = Field(
        default=None, description="In the document's currency, unit or (for dates) days.", examples=["5.00"]
    )
    percent: Percent | None = Field(default=None, description="Of what was expected.", examples=[2])
    take: Literal["lower", "higher"] = Field(default="lower", description="Of two limits, which one counts.")
    unlimited: bool = Field(default=False, description="Any difference to this side is within.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.unlimited and (self.absolute is not None or self.percent is not None):
            raise ValueError("a side that is unlimited has no limits: remove one of them")
        return self


class Tolerance(Scope):
    """How far one kind of figure may differ. A side that is left out must agree exactly."""

    rule: ToleranceRule = Field(description="Which figure.", examples=["price"])
    upper: Limit = Field(default=Limit(absolute=Decimal(0)), description="Above what was expected.")
    lower: Limit = Field(default=Limit(absolute=Decimal(0)), description="Below what was expected.")
    about: str = Field(default="", description="Why; for people.", examples=["agreed with the supplier in 2026"])


class Tolerances(Settings):
    """All of `tolerances.yaml`. Tax is not part of the figures. A kind without a rule must agree exactly."""

    rules: tuple[Tolerance, ...] = Field(default=(), description="The most specific that applies counts.")


class MatchRule(Scope):
    """With what an invoice is compared: 2 the order, 3 also what was received, 4 also what was accepted."""

    ways: Literal[2, 3, 4] = Field(default=3, description="2, 3 or 4 ways.")
    line_kind: Literal["goods", "service", "freight"] | None = Field(
        default=None, description="Only lines of this kind.", examples=["service"]
    )
    evaluated_receipt: bool = Field(default=False, description="Paid by what was received; no invoice is needed.")

    @property
    def exactness(self) -> int:
        return 2 * super().exactness + (self.line_kind is not None)


class TaxRate(Scope):
    """What tax is expected. Where no rule applies, the invoice's tax is only compared with that of its lines."""

    percent: Percent = Field(description="Of the goods; 0: exempt, any tax is an exception.", examples=["6.25"])
    tax_code: PolicyCode | None = Field(default=None, description="Only lines with this tax code.", examples=["TX"])

    @property
    def exactness(self) -> int:
        return 2 * super().exactness + (self.tax_code is not None)


class MinimumCharge(Scope):
    """What a supplier may charge for an order whose goods are worth less than agreed."""

    below: Amount = Field(description="Worth of the order's goods.", examples=["100.00"])
    charge: Amount = Field(description="In the order's currency.", examples=["15.00"])


class Duplicates(Settings):
    """When an invoice is held because it looks like another."""

    near_days: Annotated[int, Field(ge=0, le=366)] = Field(default=7, description="Dates this far apart are near.")
    near_percent: Percent = Field(default=Decimal(1), description="Amounts this far apart are near.")
    hold_from: Annotated[int, Field(ge=1, le=100)] = Field(
        default=80, description="Likeness (of 100) from which an invoice is held."
    )


class Matching(Settings):
    """All of `matching.yaml`."""

    rules: tuple[MatchRule, ...] = Field(default=(), description="The most specific that applies counts; else 3 ways.")
    taxes: tuple[TaxRate, ...] = Field(default=(), description="Expected tax; the most specific that applies counts.")
    minimum_charges: tuple[MinimumCharge, ...] = Field(default=(), description="For small orders.")
    duplicates: Duplicates = Field(default=Duplicates(), description="Likeness to other invoices.")
    price_shown_places: Annotated[int, Field(ge=0, le=8)] = Field(
        default=4, description="Decimals that unit prices are compared with."
    )
    unmatched_after_days: Annotated[int, Field(ge=0, le=365)] = Field(
        default=30, description="So long an invoice waits for sources that never tell how far they are."
    )
