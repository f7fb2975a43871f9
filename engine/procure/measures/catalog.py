"""All measures, and honestly what cannot be measured from what is stored."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.errors import NotFoundError
from engine.procure.measures.integration import INTEGRATION
from engine.procure.measures.invoices import INVOICES
from engine.procure.measures.measure import Measure
from engine.procure.measures.orders import ORDERS
from engine.procure.measures.payments import PAYMENTS
from engine.procure.measures.supply import SUPPLY

GROUPS: Mapping[str, tuple[Measure, ...]] = {
    "Invoices and exceptions": INVOICES,
    "Requisitions, orders, spend": ORDERS,
    "Payments": PAYMENTS,
    "Suppliers, stock, usage": SUPPLY,
    "Integration": INTEGRATION,
}
MEASURES: Mapping[str, Measure] = {one.name: one for group in GROUPS.values() for one in group}

NOT_MEASURED: Mapping[str, str] = {
    "Reimbursement timing": "needs the payers' remittances (835) by patient account; they go to the ledger and are not"
    " kept beside the charges",
    "Service-line margin beyond supplies": "needs room, staff and payers' prices, which no source of the engine tells",
}
"""Title, and what would be needed."""


def measure(name: str) -> Measure:
    """Raises NotFoundError: there is no such measure."""
    found = MEASURES.get(name)
    if found is None:
        raise NotFoundError("there is no such measure", where=name[:60], remedy="see `isthmus measures`")
    return found
