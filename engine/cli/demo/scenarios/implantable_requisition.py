"""SC4: cardiology needs stents at once: from requisition to posted invoice, and a price that nobody agreed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from engine.cli.demo import hl7
from engine.cli.demo.scenarios import masters, trade
from engine.cli.demo.scenarios.hospital import Hospital
from engine.cli.demo.scenarios.model import Scenario, Variant
from engine.cli.demo.scenarios.telling import Teller
from engine.cli.demo.scenarios.trade import Wanted

SUPPLIER = "S1005"  # Eastfold Catheter Company
STENT = "M10024"
PRICE = Decimal("742.50")
TWO = (Wanted(STENT, 2, PRICE),)  # 1485.00
DEAR = (Wanted(STENT, 2, Decimal("790.00")),)  # 1580.00, that is 95.00 more


async def prepare(hospital: Hospital) -> None:
    await masters.cost_centers(hospital)
    await masters.suppliers_and_items(hospital, [SUPPLIER], "SC4ITEMS")
    await hospital.quiet()


async def play_matched(hospital: Hospital, tell: Teller) -> None:
    order = f"SC4A-{SUPPLIER}"
    tell.does("Dr. N4471 in M-CATH has an urgent case and asks at once for 2 coronary stents at 742.50.")
    await tell.sees("The request is acknowledged", "AA", lambda: requests(hospital, "SC4A"))
    await tell.stays("Nothing is ordered before somebody may decide it", None,
                     lambda: trade.in_erp(hospital, "PurchaseOrder", order))  # fmt: skip
    tell.does("B. Nilsen of clinical supply approves it on the approval platform.")
    await approve(hospital, "SC4A", "b.nilsen")
    await tell.sees("The ERP has the order, over", "1485.00", lambda: trade.in_erp(hospital, "PurchaseOrder", order))
    await tell.sees("The supplier gets it as an 850", 1, lambda: _files(hospital, "data/out/orders", order))
    await tell.sees("Accounts payable know it and expect to spend", "1485.00", lambda: trade.ordered(hospital, order))
    await tell.sees("The laboratory is told", True, lambda: _is_told(hospital, "SC4A"))
    tell.does("The stents come; the dock scans 2 pieces of lot L7702, good until 2028-06-30.")
    await trade.receive(hospital, "SC4A-R1", order, SUPPLIER, TWO)
    await tell.sees("The receipt is in the ERP", "there", lambda: trade.in_erp(hospital, "Receipt", "SC4A-R1"))
    tell.does("Eastfold sends its invoice over 1485.00 as an 810.")
    trade.bill(hospital, "SC4A-I1", SUPPLIER, order, TWO)
    await paid(hospital, tell, "SC4A-I1", "1485.00")


async def play_price(hospital: Hospital, tell: Teller) -> None:
    order = await requisitioned(hospital, tell, "SC4B")
    tell.does("They come, lot L7702, and are accepted.")
    await trade.receive(hospital, "SC4B-R1", order, SUPPLIER, TWO)
    tell.does("Eastfold invoices 790.00 instead of 742.50: 95.00 too much. Of implants 0.5 % is allowed, 3.71 a piece.")
    trade.bill(hospital, "SC4B-I1", SUPPLIER, order, DEAR)
    await tell.sees(
        "Clinical supply decides, with what is at stake",
        ["price_above_tolerance 95.00 clinical-supply"],
        lambda: trade.owners(hospital, "SC4B-I1"),
    )
    await tell.stays("Nothing is posted", None, lambda: trade.in_erp(hospital, "Invoice", f"{SUPPLIER}/SC4B-I1"))
    tell.does("Clinical supply has called: the old price has ended, and it is accepted for this order.")
    await hospital.decide("SC4B-I1", "price_above_tolerance", "accept", "price list of October, called back")
    await paid(hospital, tell, "SC4B-I1", "1580.00")


async def play_duplicate(hospital: Hospital, tell: Teller) -> None:
    await ordered_and_received(hospital, tell, "SC4C")
    tell.does("Eastfold sends its invoice over 1485.00.")
    trade.bill(hospital, "SC4C-I1", SUPPLIER, "SC4C", TWO)
    await paid(hospital, tell, "SC4C-I1", "1485.00")
    tell.does("The same invoice comes again in another file, and then once more as SC4C-I-1.")
    trade.bill(hospital, "SC4C-I1", SUPPLIER, "SC4C", TWO)
    trade.bill(hospital, "SC4C-I-1", SUPPLIER, "SC4C", TWO)
    await tell.sees("The one with another number is held as a duplicate", True,
                    lambda: _has_case(hospital, "SC4C-I-1", "duplicate_suspected"))  # fmt: skip
    await tell.stays("It is not posted", None, lambda: trade.in_erp(hospital, "Invoice", f"{SUPPLIER}/SC4C-I-1"))
    await tell.stays("and the first one is posted as before, over", "1485.00",
                     lambda: trade.in_erp(hospital, "Invoice", f"{SUPPLIER}/SC4C-I1"))  # fmt: skip


async def play_before_order(hospital: Hospital, tell: Teller) -> None:
    tell.does("An invoice comes for the order SC4D, which nobody here knows yet.")
    trade.bill(hospital, "SC4D-I1", SUPPLIER, "SC4D", TWO)
    await tell.sees("It is here, and not refused", True, lambda: _is_known(hospital, "SC4D-I1"))
    await tell.stays("It is not posted", None, lambda: trade.in_erp(hospital, "Invoice", f"{SUPPLIER}/SC4D-I1"))
    await ordered_and_received(hospital, tell, "SC4D")
    await paid(hospital, tell, "SC4D-I1", "1485.00")
    await tell.sees("Nobody has to look any more", [], lambda: hospital.case_types("SC4D-I1"))


async def play_erp_down(hospital: Hospital, tell: Teller) -> None:
    await ordered_and_received(hospital, tell, "SC4E")
    tell.does("The ERP's process is killed. Eastfold sends its invoice over 1485.00.")
    await hospital.erp.kill()
    trade.bill(hospital, "SC4E-I1", SUPPLIER, "SC4E", TWO)
    await tell.sees("It is matched all the same", "to be posted", lambda: hospital.invoice_state(SUPPLIER, "SC4E-I1"))
    tell.does("The ERP is started again.")
    await hospital.erp.restart()
    await paid(hospital, tell, "SC4E-I1", "1485.00")


async def play_lot(hospital: Hospital, tell: Teller) -> None:
    order = await requisitioned(hospital, tell, "SC4F")
    tell.does("Eastfold announces 2 stents of lot L7702 in its ship notice (856); the dock scans lot L7711.")
    trade.announce(hospital, "SC4F-S1", order, SUPPLIER, TWO, "L7702")
    await hospital.post("warehouse_receipts_in", trade.receipt("SC4F-R1", order, SUPPLIER, TWO, lot="L7711"), "SC4F-R1")
    await tell.sees("Clinical supply is asked before anything is paid", ["receipt_lot_differs 1485.00 clinical-supply"],
                    lambda: trade.owners(hospital, order))  # fmt: skip
    tell.does("The invoice over 1485.00 comes; order, quantity and price agree.")
    trade.bill(hospital, "SC4F-I1", SUPPLIER, order, TWO)
    await tell.sees("It is held all the same", "exception", lambda: hospital.invoice_state(SUPPLIER, "SC4F-I1"))
    await tell.stays("Nothing is posted", None, lambda: trade.in_erp(hospital, "Invoice", f"{SUPPLIER}/SC4F-I1"))
    tell.does("Eastfold has looked: it packed L7711. It sends its ship notice anew.")
    trade.announce(hospital, "SC4F-S1", order, SUPPLIER, TWO, "L7711", purpose="05")
    await paid(hospital, tell, "SC4F-I1", "1485.00")
    await tell.sees("Nobody has to look any more", [], lambda: hospital.case_types(order))


# ------------------------------------------------------------------ parts of the courses
async def requisitioned(hospital: Hospital, tell: Teller, number: str) -> str:
    """From the wish to the order; the order's number."""
    tell.does(f"M-CATH asks at once for 2 stents at 742.50 ({number}); clinical supply approves.")
    await requests(hospital, number)
    await hospital.quiet()
    await approve(hospital, number, "b.nilsen")
    order = f"{number}-{SUPPLIER}"
    await tell.sees("Accounts payable expect to spend", "1485.00", lambda: trade.ordered(hospital, order))
    return order


async def ordered_and_received(hospital: Hospital, tell: Teller, number: str) -> None:
    tell.does(f"A buyer orders 2 stents at 742.50 in the ERP ({number}); they come, lot L7702.")
    await trade.buy(hospital, number, SUPPLIER, TWO)
    await tell.sees("Accounts payable expect to spend", "1485.00", lambda: trade.ordered(hospital, number))
    await trade.receive(hospital, f"{number}-R1", number, SUPPLIER, TWO)
    await tell.sees("The receipt is in the ERP", "there", lambda: trade.in_erp(hospital, "Receipt", f"{number}-R1"))


async def paid(hospital: Hospital, tell: Teller, invoice: str, total: str) -> None:
    key = f"{SUPPLIER}/{invoice}"
    await tell.sees("Order, receipt and invoice agree", "posted", lambda: hospital.invoice_state(SUPPLIER, invoice))
    await tell.sees("The ERP has it posted for payment, over", total, lambda: trade.in_erp(hospital, "Invoice", key))


async def requests(hospital: Hospital, number: str) -> str:
    """An OMS^O05 with TQ1-9 S (at once); the acknowledgement's code."""
    wish = hl7.Wish("CL-STN-30", "Coronary stent 3.0 mm", 2, PRICE, SUPPLIER)
    body = hl7.requisition(f"{number}-M", "HARBOR-MAIN", datetime.now(UTC), number, "M-CATH", [wish])
    first, _, rest = body.partition(b"\rRQD|")
    return await hospital.message("stock_requisition", first + b"\rTQ1|1||||||||S\rRQD|" + rest)


async def approve(hospital: Hospital, requisition: str, person: str) -> None:
    action = {"action": f"{requisition}-A1", "kind": "requisition", "subject": requisition, "decision": "approved"}
    await hospital.post(
        "approvals_in", action | {"person": person, "at": datetime.now(UTC).isoformat()}, f"{requisition}-A1"
    )


async def _files(hospital: Hospital, folder: str, part: str) -> int:
    return sum(part in path.name for path in hospital.written(*folder.split("/")))


async def _is_told(hospital: Hospital, requisition: str) -> bool:
    return any(requisition.encode() in path.read_bytes() for path in hospital.written("data", "out", "status"))


async def _has_case(hospital: Hospital, about: str, type_: str) -> bool:
    return type_ in await hospital.case_types(about)


async def _is_known(hospital: Hospital, invoice: str) -> bool:
    return await hospital.invoice(SUPPLIER, invoice) is not None


IMPLANTABLE_REQUISITION = Scenario(
    "SC4",
    "An urgent implantable: requisition, order, receipt, match, and who decides a wrong price",
    "Cardiology asks for stents at once. Clinical supply approves, the ERP orders, supplier and accounts payable learn "
    "of it at the same time, the dock checks lots, and the invoice is paid when it agrees with order and receipt.",
    variants=(
        Variant("matched", "From the request to the posted invoice, without a touch but the approval", play_matched),
        Variant("price-variance", "The invoice's price is not the order's", play_price),
        Variant("lot-mismatch", "Another lot comes than the supplier announced", play_lot),
        Variant("duplicate-invoice", "An invoice comes again, also under a slightly other number", play_duplicate),
        Variant("invoice-before-order", "The invoice is here before its order", play_before_order),
        Variant("erp-down", "The ERP is down when the invoice comes", play_erp_down),
    ),
    prepare=prepare,
)
