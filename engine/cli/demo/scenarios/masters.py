"""Master data that scenarios share: cost centers, suppliers and their items, sent through the site's own doors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from engine.cli.demo import hl7
from engine.cli.demo.catalogue import ITEMS, SUPPLIERS
from engine.cli.demo.scenarios.hospital import Hospital

_CENTERS = (
    "Code,Name,Active\n6100,Operating rooms,yes\n6110,Cardiac catheterization,yes\n6130,Intensive care,yes\n"
    "6180,Clinic,yes\n"
)
_CATEGORIES = dict.fromkeys(
    ("M10011", "M10012", "M10013", "M10023", "M10024"), "implants"
)  # inspected at the dock, closely priced, clinical supply's


async def cost_centers(hospital: Hospital) -> None:
    hospital.file("cost_centers", "cost_centers.csv", _CENTERS.encode())


async def suppliers_and_items(hospital: Hospital, numbers: Sequence[str], control: str) -> None:
    """Suppliers from the vendor portal and all of their items from the materials system.

    Args:
        control: message control id; a scenario's own.
    """
    rows = {row.number: row for row in SUPPLIERS}
    for number in numbers:
        about = {"supplier_number": number, "name": rows[number].name, "payment_terms_days": rows[number].terms_days}
        await hospital.post("supplier_onboarding", about, f"{control}-{number}")
    await hospital.quiet()  # the ERP takes no item of a supplier that it does not know
    items = [(row, rows[row.supplier]) for row in ITEMS if row.supplier in numbers]
    await hospital.message("item_master", hl7.item_master(control, datetime.now(UTC), items, _CATEGORIES))
