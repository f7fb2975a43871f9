"""SC8: a heart procedure ends: billing, stock, replenishment and ledger learn of it once, and what is wrong is seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.cli.demo.scenarios import masters, trade
from engine.cli.demo.scenarios.hospital import Hospital
from engine.cli.demo.scenarios.model import Scenario, Variant
from engine.cli.demo.scenarios.supply_consumption import WIRES, billing
from engine.cli.demo.scenarios.telling import Teller

SUPPLIER = "S1005"  # Eastfold; a guide wire costs 22.15
_LONG_AGO = timedelta(days=5)  # longer than a charge or a use is waited for
_HEADING = "Place,Facility,Item code,On hand,Unit,Order point,Par,Counted at"


async def prepare(hospital: Hospital) -> None:
    await masters.cost_centers(hospital)
    await masters.suppliers_and_items(hospital, [SUPPLIER], "SC8ITEMS")
    await hospital.quiet()


# ------------------------------------------------------------------ the systems around the engine
async def counted(hospital: Hospital, place: str, amount: int, at: datetime) -> None:
    """A cabinet's count of guide wires; at 10 they are ordered, up to 20."""
    row = f"{place},HARBOR-MAIN,CL-GWR-35,{amount},EA,10,20,{at.isoformat()}"
    hospital.file("stock_counts_in", f"{place}-{at:%H%M%S%f}.csv", f"{_HEADING}\n{row}\n".encode())
    await hospital.quiet()


async def takes_two(hospital: Hospital, place: str, visit: str, at: datetime, department: str = "M-CATH") -> None:
    """The cabinet tells what the procedure took: 2 guide wires."""
    lines = [{"item": WIRES.item, "quantity": "2", "action": "taken", "lot": "L7702"}]
    about = {"event_id": f"{place}-1", "mode": "use", "at": at.isoformat(), "facility": "HARBOR-MAIN"}
    more = {"department": department, "location": place, "visit": visit, "lines": lines}
    await hospital.post("cabinet_usage", about | more, f"{place}-1")


# ------------------------------------------------------------------ the courses
async def play_completed(hospital: Hospital, tell: Teller) -> None:
    now = datetime.now(UTC)
    order = f"ST-M-CATH-STOCK-M10022-1-{SUPPLIER}"
    tell.does("The storeroom of M-CATH holds 12 guide wires; at 10 they are to be ordered, up to 20.")
    await counted(hospital, "M-CATH-STOCK", 12, now - timedelta(minutes=5))
    tell.does("A procedure in M-CATH ends: it took 2 wires at 22.15, and 132.90 are charged.")
    await takes_two(hospital, "M-CATH-STOCK", "V8A", now)
    await billing(hospital, "SC8AC", "V8A", now, (WIRES,))
    await tell.sees("Its cost is allocated: 2 × 22.15 to cost center 6110, out of stock",
                    ["5100 debit 44.30 of 6110", "1300 credit 44.30"],
                    lambda: hospital.books.entry("USE-M-CATH-STOCK-1"))  # fmt: skip
    await tell.sees("10 are left: 10 more are ordered without a touch, over", "221.50",
                    lambda: trade.in_erp(hospital, "PurchaseOrder", order))  # fmt: skip
    await tell.stays("Use and charge agree: nobody has to look", [], lambda: hospital.case_types("V8A"))


async def play_charge_alone(hospital: Hospital, tell: Teller) -> None:
    at = datetime.now(UTC) - _LONG_AGO
    tell.does("Five days ago 132.90 were charged for 2 wires; no cabinet tells that they were taken.")
    await billing(hospital, "SC8BC", "V8B", at, (WIRES,))
    await tell.sees("The dashboard shows charge without use, money and owner",
                    ["charge_without_usage 132.90 supply-chain"], lambda: trade.owners(hospital, "V8B"))  # fmt: skip
    await tell.stays("No cost was posted for it", 0, lambda: hospital.books.entries("USE-SC8B"))


async def play_stuck(hospital: Hospital, tell: Teller) -> None:
    now = datetime.now(UTC)
    tell.does("Cabinet SC8A stands on a corridor: no department pays for it. It holds 12 wires, and 2 are taken.")
    await counted(hospital, "SC8A", 12, now - timedelta(minutes=5))
    await takes_two(hospital, "SC8A", "V8E", now)
    await tell.sees("Its replenishment stops, and not unseen: nobody said who pays", ["dimension_missing"],
                    lambda: hospital.case_types("ST-SC8A-M10022-1"))  # fmt: skip
    await tell.stays("Nothing is ordered on a guess", None,
                     lambda: trade.in_erp(hospital, "PurchaseOrder", f"ST-SC8A-M10022-1-{SUPPLIER}"))  # fmt: skip


async def play_stock_wrong(hospital: Hospital, tell: Teller) -> None:
    now = datetime.now(UTC)
    tell.does("The count of cabinet SC8C says 1 wire. The procedure takes 2.")
    await counted(hospital, "SC8C", 1, now - timedelta(minutes=5))
    await takes_two(hospital, "SC8C", "V8C", now)
    await tell.sees("More was taken than ever lay there: the count is wrong, supply chain is asked",
                    ["stock_below_zero - supply-chain"], lambda: trade.owners(hospital, "stock:SC8C"))  # fmt: skip
    tell.does("The cabinet is counted again: 11 wires.")
    await counted(hospital, "SC8C", 11, datetime.now(UTC))
    await tell.sees("The case closes itself", [], lambda: hospital.case_types("stock:SC8C"))


async def play_center_unknown(hospital: Hospital, tell: Teller) -> None:
    now = datetime.now(UTC)
    tell.does("A new laboratory, M-EP, tells its first procedure; nobody has said which cost center it has.")
    await takes_two(hospital, "SC8D", "V8D", now, department="M-EP")
    await tell.sees("It is not guessed: the message waits", 1, lambda: _waiting(hospital))
    tell.does("An analyst adds M-EP with cost center 6110, deploys, and sends the message again.")
    centers = hospital.place.root / "config" / "crosswalks" / "departments.csv"
    centers.write_text(centers.read_text(encoding="utf-8").rstrip() + "\nM-EP,6110\n", encoding="utf-8")
    await hospital.client.deploy(["cabinet_usage"], note="cost center of the new laboratory")
    for row in await hospital.held("cabinet_usage"):
        await hospital.client.resend(row.message_id, "", "its cost center is known now")
    await tell.sees("Its cost is in the ledger", ["5100 debit 44.30 of 6110", "1300 credit 44.30"],
                    lambda: hospital.books.entry("USE-SC8D-1"))  # fmt: skip


async def _waiting(hospital: Hospital) -> int:
    return len(await hospital.held("cabinet_usage"))


PROCEDURE_COMPLETION = Scenario(
    "SC8",
    "A procedure ends: charge, stock, replenishment and cost from one event",
    "When a heart procedure ends, its supplies are charged, taken from stock, ordered anew at their threshold and "
    "allocated to the cost center. What does not fit together is shown with its money and its owner.",
    variants=(
        Variant("completed", "Charge, use, threshold, order and cost follow by themselves", play_completed),
        Variant("charge-without-use", "A charge comes, and nothing was taken", play_charge_alone),
        Variant("replenishment-stuck", "A replenishment cannot be ordered, and somebody is told", play_stuck),
        Variant("stock-wrong", "More is taken than was counted", play_stock_wrong),
        Variant("cost-center-unknown", "A department that no cost center is known of", play_center_unknown),
    ),
    prepare=prepare,
)
