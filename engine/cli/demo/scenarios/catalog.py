"""All scenarios, by their names. A new one is entered here."""

from __future__ import annotations

from engine.cli.demo.scenarios.acquired_clinics import ACQUIRED_CLINICS
from engine.cli.demo.scenarios.implantable_requisition import IMPLANTABLE_REQUISITION
from engine.cli.demo.scenarios.model import Scenario
from engine.cli.demo.scenarios.payment_status import PAYMENT_STATUS
from engine.cli.demo.scenarios.procedure_completion import PROCEDURE_COMPLETION
from engine.cli.demo.scenarios.receipts_in_time import RECEIPTS_IN_TIME
from engine.cli.demo.scenarios.supply_consumption import SUPPLY_CONSUMPTION
from engine.cli.demo.scenarios.surgical_supplies import SURGICAL_SUPPLIES
from engine.cli.demo.scenarios.three_inventories import THREE_INVENTORIES

_ALL = (
    RECEIPTS_IN_TIME,
    ACQUIRED_CLINICS,
    PAYMENT_STATUS,
    IMPLANTABLE_REQUISITION,
    SURGICAL_SUPPLIES,
    THREE_INVENTORIES,
    SUPPLY_CONSUMPTION,
    PROCEDURE_COMPLETION,
)
SCENARIOS: dict[str, Scenario] = {one.name: one for one in _ALL}
