"""SC5: dear supplies of the operating rooms: procurement in the cloud, ERP, dock and accounts payable see one order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.cli.demo.scenarios import masters, trade
from engine.cli.demo.scenarios.hospital import Hospital
from engine.cli.demo.scenarios.model import Scenario, Variant
from engine.cli.demo.scenarios.telling import Teller
from engine.cli.demo.scenarios.trade import Wanted

SUPPLIER = "S1003"  # Caldera
CONTRACT = "CAL-HIP-26"
CUP, HEAD = "M10011", "M10012"
HIPS = (Wanted(CUP, 1, Decimal("912.00")), Wanted(HEAD, 2, Decimal("438.50")))  # 912.00 + 877.00 = 1789.00
DEAR = (Wanted(CUP, 1, Decimal("950.00")), HIPS[1])  # 950.00 + 877.00 = 1827.00
NEW_SUPPLIER, GLOVES = "S1002", (Wanted("M10009", 100, Decimal("1.14")),)  # Brightwater; 114.00
RECEIPTS = "warehouse_receipts_in"


async def prepare(hospital: Hospital) -> None:
    """Items, cost centers, and the contract: a cup costs 912.00, a head 438.50."""
    await masters.cost_centers(hospital)
    await masters.suppliers_and_items(hospital, [SUPPLIER], "SC5ITEMS")
    trade.price_list(hospital, CONTRACT, SUPPLIER, HIPS)
    await hospital.quiet()


async def play_inspected(hospital: Hospital, tell: Teller) -> None:
    await ordered(hospital, tell, "SC5A")
    tell.does("Caldera announces lot H11. The dock scans 1 cup and 2 heads of lot H11; 1 head is not inspected yet.")
    trade.announce(hospital, "SC5A-S1", "SC5A", SUPPLIER, HIPS, "H11")
    await hospital.post(RECEIPTS, inspected("SC5A-R1", "SC5A", heads="1"), "SC5A-R1")
    await tell.sees("The receipt is in the ERP", "there", lambda: trade.in_erp(hospital, "Receipt", "SC5A-R1"))
    tell.does("The invoice over 1789.00 comes. Implants are paid when order, receipt and inspection agree.")
    trade.bill(hospital, "SC5A-I1", SUPPLIER, "SC5A", HIPS)
    await tell.stays("Nothing is posted yet", None, lambda: trade.in_erp(hospital, "Invoice", f"{SUPPLIER}/SC5A-I1"))
    tell.does("The second head is inspected and accepted.")
    await hospital.post(RECEIPTS, inspected("SC5A-R1", "SC5A", heads="2"), "SC5A-R1-2")
    await posted(hospital, tell, "SC5A-I1", "1789.00")
    await tell.sees("Procurement sees all of its order received", "received", lambda: order_state(hospital, "SC5A"))
    await tell.sees("The archive of accounts payable gets the invoice", 1,
                    lambda: _archived(hospital, "SC5A-I1"))  # fmt: skip


async def play_lot(hospital: Hospital, tell: Teller) -> None:
    await ordered(hospital, tell, "SC5B")
    tell.does("Caldera announces lot H22. The dock scans lot H29.")
    trade.announce(hospital, "SC5B-S1", "SC5B", SUPPLIER, HIPS, "H22")
    await hospital.post(RECEIPTS, trade.receipt("SC5B-R1", "SC5B", SUPPLIER, HIPS, lot="H29"), "SC5B-R1")
    await tell.sees("Clinical supply is asked about each item", [
        "receipt_lot_differs 877.00 clinical-supply", "receipt_lot_differs 912.00 clinical-supply"],
        lambda: sorted_owners(hospital, "SC5B"))  # fmt: skip
    tell.does("The invoice over 1789.00 comes.")
    trade.bill(hospital, "SC5B-I1", SUPPLIER, "SC5B", HIPS)
    await tell.sees("It is held", "exception", lambda: hospital.invoice_state(SUPPLIER, "SC5B-I1"))
    await tell.stays("Nothing is posted", None, lambda: trade.in_erp(hospital, "Invoice", f"{SUPPLIER}/SC5B-I1"))
    tell.does("Clinical supply has the lot's papers from Caldera, and lets both items pass.")
    for _ in HIPS:
        await hospital.decide("SC5B", "receipt_lot_differs", "accept", "certificate of lot H29 received")
    await posted(hospital, tell, "SC5B-I1", "1789.00")


async def play_short(hospital: Hospital, tell: Teller) -> None:
    await ordered(hospital, tell, "SC5C")
    tell.does("1 cup and 1 head come; the invoice is over all, 1789.00.")
    await hospital.post(RECEIPTS, trade.receipt("SC5C-R1", "SC5C", SUPPLIER, (HIPS[0], _one_head())), "SC5C-R1")
    trade.bill(hospital, "SC5C-I1", SUPPLIER, "SC5C", HIPS)
    await tell.sees("Part of the order is here", "part_received", lambda: order_state(hospital, "SC5C"))
    await tell.sees("The invoice waits for the rest", "waiting", lambda: hospital.invoice_state(SUPPLIER, "SC5C-I1"))
    tell.does("The second head comes.")
    rest = trade.receipt("SC5C-R2", "SC5C", SUPPLIER, (HIPS[0], _one_head()), lines=(2,))
    await hospital.post(RECEIPTS, rest, "SC5C-R2")
    await posted(hospital, tell, "SC5C-I1", "1789.00")
    await tell.sees("Nobody has to look", [], lambda: hospital.case_types("SC5C-I1"))


async def play_contract(hospital: Hospital, tell: Teller) -> None:
    tell.does("Procurement still has last year's price of the cup, 950.00, and orders under CAL-HIP-26 (SC5D).")
    trade.procure(hospital, "SC5D", SUPPLIER, DEAR, CONTRACT)
    await tell.sees("The ERP has the order, over", "1827.00", lambda: trade.in_erp(hospital, "PurchaseOrder", "SC5D"))
    await trade.receive(hospital, "SC5D-R1", "SC5D", SUPPLIER, DEAR)
    tell.does("Caldera invoices 950.00, too: order, receipt and invoice agree. The contract says 912.00.")
    trade.bill(hospital, "SC5D-I1", SUPPLIER, "SC5D", DEAR)
    await tell.sees("38.00 too much are seen all the same", ["contract_price_differs 38.00 clinical-supply"],
                    lambda: trade.owners(hospital, "SC5D-I1"))  # fmt: skip
    await tell.stays("Nothing is posted", None, lambda: trade.in_erp(hospital, "Invoice", f"{SUPPLIER}/SC5D-I1"))
    tell.does("It goes back to Caldera (824), which sends another one with the contract's price.")
    await hospital.decide("SC5D-I1", "contract_price_differs", "return_to_supplier", "the contract says 912.00")
    trade.bill(hospital, "SC5D-I2", SUPPLIER, "SC5D", HIPS)
    await posted(hospital, tell, "SC5D-I2", "1789.00")
    await tell.stays("The first one was never posted", None,
                     lambda: trade.in_erp(hospital, "Invoice", f"{SUPPLIER}/SC5D-I1"))  # fmt: skip


async def play_refused(hospital: Hospital, tell: Teller) -> None:
    key = f"{NEW_SUPPLIER}/SC5E-I1"
    tell.does(
        "Procurement orders 100 pairs of surgical gloves at 1.14 from Brightwater, whom the ERP does not know yet."
    )
    trade.procure(hospital, "SC5E", NEW_SUPPLIER, GLOVES)
    await tell.sees("The ERP refuses the order: it waits for a person, and is not lost", 1, lambda: _waiting(hospital))
    await tell.stays("Nothing is ordered", None, lambda: trade.in_erp(hospital, "PurchaseOrder", "SC5E"))
    tell.does("Supplier and items are announced; an analyst sends the order again.")
    await masters.suppliers_and_items(hospital, [NEW_SUPPLIER], "SC5NEW")
    await hospital.quiet()
    for row in await hospital.held("order_in"):
        await hospital.client.resend(row.message_id, "", "the supplier is known now")
    await tell.sees("The ERP has it, over", "114.00", lambda: trade.in_erp(hospital, "PurchaseOrder", "SC5E"))
    await trade.receive(hospital, "SC5E-R1", "SC5E", NEW_SUPPLIER, GLOVES)
    trade.bill(hospital, "SC5E-I1", NEW_SUPPLIER, "SC5E", GLOVES)
    await tell.sees("The ERP has the invoice for payment, over", "114.00",
                    lambda: trade.in_erp(hospital, "Invoice", key))  # fmt: skip


# ------------------------------------------------------------------ parts of the courses
async def ordered(hospital: Hospital, tell: Teller, number: str) -> None:
    tell.does(f"Procurement orders for M-OR a hip cup at 912.00 and 2 heads at 438.50 under CAL-HIP-26 ({number}).")
    trade.procure(hospital, number, SUPPLIER, HIPS, CONTRACT)
    await tell.sees("The ERP has it, over", "1789.00", lambda: trade.in_erp(hospital, "PurchaseOrder", number))
    await tell.sees("Accounts payable expect to spend", "1789.00", lambda: trade.ordered(hospital, number))


async def posted(hospital: Hospital, tell: Teller, invoice: str, total: str) -> None:
    key = f"{SUPPLIER}/{invoice}"
    await tell.sees("The ERP has the invoice for payment, over", total, lambda: trade.in_erp(hospital, "Invoice", key))
    await tell.sees("Accounts payable see", "posted", lambda: hospital.invoice_state(SUPPLIER, invoice))


def inspected(number: str, order: str, heads: str) -> dict[str, Any]:
    """All came; so many heads were accepted so far."""
    booked = trade.receipt(number, order, SUPPLIER, HIPS, lot="H11")
    booked["lines"][1]["accepted"] = heads
    return booked


def _one_head() -> Wanted:
    return HIPS[1]._replace(quantity=1)


async def order_state(hospital: Hospital, number: str) -> str | None:
    found = await hospital.order(number)
    return (found.state.get("order") or {}).get("state") if found else None


async def sorted_owners(hospital: Hospital, about: str) -> list[str]:
    return sorted(await trade.owners(hospital, about))


async def _waiting(hospital: Hospital) -> int:
    return len(await hospital.held("order_in"))


async def _archived(hospital: Hospital, invoice: str) -> int:
    return sum(invoice.encode() in path.read_bytes() for path in hospital.written("data", "out", "archive"))


SURGICAL_SUPPLIES = Scenario(
    "SC5",
    "Dear supplies of the operating rooms: one order in procurement, ERP, dock and accounts payable",
    "Procurement in the cloud orders hips under a contract. The ERP, the dock and accounts payable work on the same "
    "order; lots are checked against the ship notice, and an invoice is paid when order, receipt, inspection and "
    "contract agree.",
    variants=(
        Variant("inspected", "Order, lots, receipt and inspection agree, and the invoice is posted", play_inspected),
        Variant("lot-differs", "Another lot comes than was announced", play_lot),
        Variant("short-receipt", "Part of it comes, then the rest", play_short),
        Variant("above-contract", "Order and invoice agree, and the contract says less", play_contract),
        Variant("erp-refuses", "The ERP refuses the order, and it is put right", play_refused),
    ),
    prepare=prepare,
)
