"""SC6: three inventories want the same article: it is bought where it is missing, within budget, by who may decide."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from engine.cli.demo import hl7
from engine.cli.demo.catalogue import ITEMS, SUPPLIERS
from engine.cli.demo.scenarios import masters, trade
from engine.cli.demo.scenarios.hospital import Hospital
from engine.cli.demo.scenarios.model import Scenario, Variant
from engine.cli.demo.scenarios.telling import Teller

SUPPLIER, UNKNOWN = "S1008", "S1007"  # Hollin Ridge Medical; Greyhaven Linen and Gown, whose items nobody has told yet
KIT, KIT_PRICE = "ED-SUT-KT", Decimal("7.64")
SHEET, SHEET_PRICE = "GN-SHT-DS", Decimal("1.96")
_LISTED = f"{UNKNOWN},M10033,GH-DS,Draw sheet,EA,1,{SHEET_PRICE},2026-10-01"
_PEOPLE = "config/policies/people.yaml"
_HEADING = "Place,Facility,Item code,On hand,Unit,Order point,Par,Counted at"


async def prepare(hospital: Hospital) -> None:
    await masters.cost_centers(hospital)
    centers = "Code,Name,Active\n6120,Emergency,yes\n6150,Laboratory,yes\n6160,Sterile supply,yes\n"
    hospital.file("cost_centers", "sc6.csv", centers.encode())
    await masters.suppliers_and_items(hospital, [SUPPLIER], "SC6ITEMS")
    about = next(row for row in SUPPLIERS if row.number == UNKNOWN)
    await hospital.post("supplier_onboarding", {"supplier_number": UNKNOWN, "name": about.name}, "SC6-S1007")
    prices = (
        f"Supplier,Our item no.,Supplier item no.,Description,Unit,Each per unit,List price,Valid from\n{_LISTED}\n"
    )
    await hospital.quiet()
    hospital.file("supplier_prices", "sc6.csv", prices.encode())  # for the ERP alone
    await hospital.quiet()


# ------------------------------------------------------------------ the systems around the engine
def counted(
    hospital: Hospital,
    key: str,
    place: str,
    facility: str,
    amount: int,
    point: int | None = None,
    par: int | None = None,
) -> None:
    """An inventory system writes how many suture kits lie there now."""
    thresholds = f"{point if point is not None else ''},{par if par is not None else ''}"
    row = f"{place},{facility},{KIT},{amount},EA,{thresholds},{datetime.now(UTC).isoformat()}"
    hospital.file("stock_counts_in", f"{key}.csv", f"{_HEADING}\n{row}\n".encode())


def budget(hospital: Hospital, key: str, center: str, amount: str) -> None:
    """Finance exports a hard budget of the fiscal year, which began in July."""
    now = datetime.now(UTC)
    year = now.year + 1 if now.month >= 7 else now.year
    text = f"Cost center,Period,Amount,Spent,Hard\n{center},{year},{amount},,yes\n"
    hospital.file("budgets_in", f"{key}.csv", text.encode())


async def asks(
    hospital: Hospital, number: str, department: str, amount: int, code: str = KIT, price: Decimal = KIT_PRICE,
    supplier: str = SUPPLIER, facility: str = "HARBOR-MAIN",
) -> None:  # fmt: skip
    """A department's storeroom asks, by HL7."""
    wish = hl7.Wish(code, "as in the catalogue", amount, price, supplier)
    body = hl7.requisition(f"{number}-M", facility, datetime.now(UTC), number, department, [wish])
    assert await hospital.message("stock_requisition", body) == "AA"


async def approve(hospital: Hospital, requisition: str, person: str) -> None:
    action = f"{requisition}-{person}"
    told = {"action": action, "kind": "requisition", "subject": requisition, "decision": "approved", "person": person}
    await hospital.post("approvals_in", told | {"at": datetime.now(UTC).isoformat()}, action)


# ------------------------------------------------------------------ what is seen
async def in_erp(hospital: Hospital, requisition: str, supplier: str = SUPPLIER) -> str | None:
    """Amount of the order that the ERP made of a requisition."""
    return await trade.in_erp(hospital, "PurchaseOrder", f"{requisition}-{supplier}")


async def desk(hospital: Hospital, number: str) -> list[str]:
    return sorted(await trade.owners(hospital, f"requisition:{number}#"))


async def ordered(hospital: Hospital, tell: Teller, number: str, amount: str, supplier: str = SUPPLIER) -> None:
    await tell.sees("The ERP has an order over", amount, lambda: in_erp(hospital, number, supplier))


# ------------------------------------------------------------------ the courses
async def play_three(hospital: Hospital, tell: Teller) -> None:
    counted(hospital, "SC6A-ED", "M-ED-STOCK", "HARBOR-MAIN", 12)
    tell.does("The emergency department has 12 suture kits at 7.64 and asks for 40 more.")
    await asks(hospital, "SC6A", "M-ED", 40)
    await ordered(hospital, tell, "SC6A", "305.60")
    tell.does("A cabinet of intensive care counts 4 kits; its order point is 10, its par 30.")
    counted(hospital, "SC6A-ICU", "M-ICU-STOCK", "HARBOR-MAIN", 4, 10, 30)
    await ordered(hospital, tell, "ST-M-ICU-STOCK-M10040-1", "198.64")
    await tell.stays("Nobody asked for these 26: the count did", [], lambda: desk(hospital, "ST-M-ICU-STOCK-M10040-1"))
    tell.does("The northern hospital counts 90 kits, and its order point is 20.")
    counted(hospital, "SC6A-N", "N-ED-STOCK", "HARBOR-NORTH", 90, 20, 100)
    await tell.stays("Nothing is bought for it", None, lambda: in_erp(hospital, "ST-N-ED-STOCK-M10040-1"))


async def play_enough(hospital: Hospital, tell: Teller) -> None:
    counted(hospital, "SC6B-1", "N-ICU-STOCK", "HARBOR-NORTH", 90, 20)
    tell.does(
        "Intensive care in the north asks for 20 kits (152.80), and 90 lie in its storeroom; 20 is its order point."
    )
    await hospital.quiet()
    await asks(hospital, "SC6B", "N-ICU", 20, facility="HARBOR-NORTH")
    await tell.sees("Supply chain is asked instead of the supplier", ["stock_available 152.80 supply-chain"],
                    lambda: desk(hospital, "SC6B"))  # fmt: skip
    await tell.stays("Nothing is bought", None, lambda: in_erp(hospital, "SC6B"))
    tell.does("A large accident takes 65 kits: 25 are left, and 20 must stay.")
    counted(hospital, "SC6B-2", "N-ICU-STOCK", "HARBOR-NORTH", 25, 20)
    await ordered(hospital, tell, "SC6B", "152.80")
    await tell.sees("Nobody has to look any more", [], lambda: desk(hospital, "SC6B"))


async def play_unknown_item(hospital: Hospital, tell: Teller) -> None:
    tell.does(
        "The laboratory asks for 100 draw sheets at 1.96. The ERP has them from a price list; the item master does not."
    )
    await asks(hospital, "SC6C", "M-LAB", 100, SHEET, SHEET_PRICE, UNKNOWN)
    await tell.sees("Supply chain is asked, with what is at stake", ["item_unknown 196.00 supply-chain"],
                    lambda: desk(hospital, "SC6C"))  # fmt: skip
    await tell.stays("Nothing is ordered", None, lambda: in_erp(hospital, "SC6C", UNKNOWN))
    tell.does("The item master is put right, and tells of it.")
    supplier = next(row for row in SUPPLIERS if row.number == UNKNOWN)
    items = [(row, supplier) for row in ITEMS if row.hospital_code == SHEET]
    await hospital.message("item_master", hl7.item_master("SC6CITEM", datetime.now(UTC), items))
    await ordered(hospital, tell, "SC6C", "196.00", UNKNOWN)
    await tell.sees("Nobody has to look any more", [], lambda: desk(hospital, "SC6C"))


async def play_no_budget(hospital: Hospital, tell: Teller) -> None:
    tell.does("Sterile supply (6160) may spend 250.00 this year, and not a cent more. It asks for 40 kits: 305.60.")
    budget(hospital, "SC6D-1", "6160", "250.00")
    await hospital.quiet()
    await asks(hospital, "SC6D", "W-CSSD", 40)
    await tell.sees("55.60 are missing; purchasing's head is asked", ["budget_exceeded 55.60 purchasing-manager"],
                    lambda: desk(hospital, "SC6D"))  # fmt: skip
    await tell.stays("Nothing is ordered", None, lambda: in_erp(hospital, "SC6D"))
    tell.does("Finance gives sterile supply 310.00.")
    budget(hospital, "SC6D-2", "6160", "310.00")
    await ordered(hospital, tell, "SC6D", "305.60")
    await tell.sees("Nobody has to look any more", [], lambda: desk(hospital, "SC6D"))


async def play_approver(hospital: Hospital, tell: Teller) -> None:
    tell.does("The emergency department asks for 100 kits: 764.00, more than 500.00. Its head is T. Abara.")
    await asks(hospital, "SC6E", "M-ED", 100)
    await tell.stays("Nothing is ordered before the head has decided", None, lambda: in_erp(hospital, "SC6E"))
    tell.does("Before he answers, E. Marsh becomes the head: config/policies/people.yaml is changed and deployed.")
    await hospital.set_policy(_PEOPLE, "M-ED", "{title: Emergency department, head: e.marsh}", "new head")
    await approve(hospital, "SC6E", "t.abara")
    await tell.stays("T. Abara's answer comes too late: it does not count", None, lambda: in_erp(hospital, "SC6E"))
    tell.does("E. Marsh approves.")
    await approve(hospital, "SC6E", "e.marsh")
    await ordered(hospital, tell, "SC6E", "764.00")
    await hospital.set_policy(_PEOPLE, "M-ED", "{title: Emergency department, head: t.abara}", "as before")


THREE_INVENTORIES = Scenario(
    "SC6",
    "Three inventories and one article: bought where it is missing, within budget, by who may decide",
    "Storerooms, cabinets and another hospital each count for themselves. A request is checked against what is there, "
    "the item master, the budget and who may approve it now; what does not fit is on somebody's desk with its money.",
    variants=(
        Variant("three-inventories", "Three places have too little or plenty of the same article", play_three),
        Variant("stock-enough", "What is asked for lies there", play_enough),
        Variant("unknown-item", "The item master does not know the article", play_unknown_item),
        Variant("no-budget", "The year's budget does not allow it", play_no_budget),
        Variant("approver-changed", "The head of the department changes while the request waits", play_approver),
    ),
    prepare=prepare,
)
