"""SC1: invoices are here before their receipts: waiting is not unmatched, and the unmatched is told soon."""

from __future__ import annotations

from decimal import Decimal

from engine.cli.demo.scenarios import masters, trade
from engine.cli.demo.scenarios.hospital import Hospital
from engine.cli.demo.scenarios.model import LAG_SECONDS, Scenario, Variant
from engine.cli.demo.scenarios.telling import Teller
from engine.cli.demo.scenarios.trade import Wanted

SUPPLIER = "S1001"  # Alderbrook Surgical Supply
TROCARS = (Wanted("M10001", 12, Decimal("21.40")), Wanted("M10002", 6, Decimal("18.75")))  # 256.80 + 112.50 = 369.30
HALF = (Wanted("M10001", 12, Decimal("21.40")),)
CHANNEL = "warehouse_receipts_in"


async def prepare(hospital: Hospital) -> None:
    """Orders that people typed in this morning, and the invoice whose goods never came."""
    await masters.suppliers_and_items(hospital, [SUPPLIER], "SC1ITEMS")
    await hospital.quiet()
    for number in ("SC1A", "SC1B", "SC1C", "SC1D"):
        await trade.buy(hospital, number, SUPPLIER, TROCARS)
    await hospital.quiet()
    trade.bill(hospital, "SC1D-I1", SUPPLIER, "SC1D", TROCARS)


async def play_receipt_lags(hospital: Hospital, tell: Teller) -> None:
    tell.does(f"The dock books what came within {LAG_SECONDS} seconds. Alderbrook's invoice over 369.30 is faster.")
    trade.bill(hospital, "SC1A-I1", SUPPLIER, "SC1A", TROCARS)
    await tell.sees("It waits, and says for what", "waiting for receipts", lambda: standing(hospital, "SC1A-I1"))
    await tell.sees("Nobody is asked to look", [], lambda: hospital.case_types("SC1A-I1"))
    tell.does("The dock books 12 and 6 trocars.")
    await trade.receive(hospital, "SC1A-R1", "SC1A", SUPPLIER, TROCARS)
    await settled(hospital, tell, "SC1A-I1")
    await tell.sees("Nobody was ever asked: it was waiting, not unmatched", [],
                    lambda: hospital.case_types("SC1A-I1", "gone"))  # fmt: skip


async def play_nightly(hospital: Hospital, tell: Teller) -> None:
    tell.does("At another hospital receipts come in a nightly file: its dock promises them within 24 hours.")
    await hospital.set_channel(CHANNEL, "tells_until", "{sources: [receipts], lag: 24h}", "nightly file")
    trade.bill(hospital, "SC1B-I1", SUPPLIER, "SC1B", TROCARS)
    await tell.sees("The invoice waits for the night", "waiting for receipts", lambda: standing(hospital, "SC1B-I1"))
    await tell.stays("Nobody is asked, though nothing has come all day", [], lambda: hospital.case_types("SC1B-I1"))
    tell.does("The night's file tells of the goods.")
    await trade.receive(hospital, "SC1B-R1", "SC1B", SUPPLIER, TROCARS)
    await settled(hospital, tell, "SC1B-I1")
    tell.does("The dock gets scanners: what comes is told at once again.")
    lag = f"{{sources: [receipts], lag: {LAG_SECONDS}s}}"
    await hospital.set_channel(CHANNEL, "tells_until", lag, "scanners at the dock")


async def play_part(hospital: Hospital, tell: Teller) -> None:
    tell.does("The dock books 12 trocars of 12 mm; the other 6 are on another truck. The invoice is over all, 369.30.")
    await trade.receive(hospital, "SC1C-R1", "SC1C", SUPPLIER, HALF)
    trade.bill(hospital, "SC1C-I1", SUPPLIER, "SC1C", TROCARS)
    await tell.sees("It waits for the rest", "waiting for receipts", lambda: standing(hospital, "SC1C-I1"))
    tell.does("The second truck is unloaded.")
    await hospital.post(CHANNEL, trade.receipt("SC1C-R2", "SC1C", SUPPLIER, TROCARS, lines=(2,)), "SC1C-R2")
    await settled(hospital, tell, "SC1C-I1")


async def play_never_received(hospital: Hospital, tell: Teller) -> None:
    tell.does(f"An invoice over 369.30 came for goods that never came; more than {LAG_SECONDS} seconds have passed.")
    await tell.sees("Now no source can explain it: receiving is asked, line by line", [
        "quantity_not_received 112.50 receiving", "quantity_not_received 256.80 receiving"],
        lambda: sorted_owners(hospital, "SC1D-I1"))  # fmt: skip
    await tell.stays("Nothing is posted", None, lambda: trade.in_erp(hospital, "Invoice", f"{SUPPLIER}/SC1D-I1"))
    tell.does("The goods do come in the end, and are booked.")
    await trade.receive(hospital, "SC1D-R1", "SC1D", SUPPLIER, TROCARS)
    await settled(hospital, tell, "SC1D-I1")
    await tell.sees("What was asked is answered by the receipt", [], lambda: hospital.case_types("SC1D-I1"))


# ------------------------------------------------------------------ parts of the courses
async def settled(hospital: Hospital, tell: Teller, invoice: str) -> None:
    key = f"{SUPPLIER}/{invoice}"
    await tell.sees("Order, receipt and invoice agree", "posted", lambda: hospital.invoice_state(SUPPLIER, invoice))
    await tell.sees("The ERP has it posted for payment, over", "369.30",
                    lambda: trade.in_erp(hospital, "Invoice", key))  # fmt: skip


async def standing(hospital: Hospital, invoice: str) -> str | None:
    found = await hospital.invoice(SUPPLIER, invoice)
    if found is None:
        return None
    return f"{found.state} for {found.waits_for}" if found.waits_for else found.state


async def sorted_owners(hospital: Hospital, invoice: str) -> list[str]:
    return sorted(await trade.owners(hospital, invoice))


RECEIPTS_IN_TIME = Scenario(
    "SC1",
    "Receipts every few minutes, or in a nightly file: waiting is not unmatched",
    "Hospitals of a network tell their receipts at different speeds, and invoices are often faster. An invoice whose "
    "receipt may still come waits by itself; people are asked only when no source can explain it any more.",
    variants=(
        Variant("receipt-lags", "The invoice is here a few seconds before its receipt", play_receipt_lags),
        Variant("partly-received", "Half of it has come, the invoice is over all of it", play_part),
        Variant("never-received", "Nothing comes, and nobody can explain it any more", play_never_received),
        Variant("nightly-file", "A hospital whose receipts come at night", play_nightly),
    ),
    prepare=prepare,
)
