"""Accounting dimensions: cost centers and all the others, each with its days."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from engine.canonical.base import Code, Document, Effective, Text, Value
from engine.canonical.money import Money


class DimensionValue(Value):
    """A value of a dimension on a line: `type` project, fund, grant, product_line, intercompany …"""

    type: Code
    code: Code


class CostCenter(Effective, Document):
    """A department that costs are charged to, on the days that it holds."""

    kind: ClassVar[str] = "CostCenter"
    version: ClassVar[str] = "1.1"

    cost_center: Code
    name: Text
    facility: Code | None = None
    active: bool = True
    parent: Code | None = None
    legal_entity: Code | None = None
    manager: Code | None = Field(default=None, description="Who answers for its spending.")

    @property
    def natural_key(self) -> str:
        return self.cost_center


class Dimension(Effective, Document):
    """A value of any accounting dimension: natural_account, legal_entity, fund, grant, project, product_line …"""

    kind: ClassVar[str] = "Dimension"

    type: Code
    code: Code
    name: Text
    parent: Code | None = None
    facility: Code | None = None
    legal_entity: Code | None = None
    active: bool = True
    excludes: tuple[DimensionValue, ...] = Field(
        default=(), description="Values of other dimensions that it is never posted with."
    )

    @property
    def natural_key(self) -> str:
        return f"{self.type}/{self.code}"


class Budget(Document):
    """What a cost center (or other dimension) may spend in a period. Open orders count as committed."""

    kind: ClassVar[str] = "Budget"

    dimension: DimensionValue = Field(description="Whose budget: `{type: cost_center, code: …}` mostly.")
    period: Code = Field(description="Fiscal period: 2026-11, 2026-Q4, 2026.")
    amount: Money
    committed: Money | None = Field(default=None, description="In open orders, as the ERP counts it.")
    spent: Money | None = Field(default=None, description="Posted, as the ERP counts it.")
    natural_account: Code | None = Field(default=None, description="None: all accounts together.")
    facility: Code | None = None
    legal_entity: Code | None = None
    is_hard: bool = Field(default=False, description="True: nothing may be ordered above it; else it is asked about.")

    @property
    def natural_key(self) -> str:
        parts = (self.dimension.type, self.dimension.code, self.natural_account, self.period)
        return "/".join(part for part in parts if part)
