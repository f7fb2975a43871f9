"""MFN^M16 material item records to Item, one per MFE. Source: HL7 v2.6 chapter 17 (MFE, ITM, VND, PKG).

Items leave in the order of their MFE records, so that an add and a later update of one item stay in order.
The packaging ladder is exact: a PKG says how many base units (the one with quantity 1) it holds.
"""

from engine.sdk import (
    DocumentError,
    Filtered,
    Hl7Message,
    Identifier,
    Item,
    Money,
    Packaging,
    Segment,
)

KEPT = {"MAD": True, "MUP": True, "MAC": True, "MDC": False}  # MFE-1: add, update, reactivate; deactivate


def transform(message: Hl7Message) -> tuple[Item, ...] | Filtered:
    records = message.groups("MFE", ("ITM", "VND", "PKG"))
    if not records:
        return Filtered("no item in it")
    return tuple(item(g.anchor, g.first("ITM"), g.first("VND"), g.all("PKG")) for g in records)


def item(mfe: Segment, itm: Segment | None, vnd: Segment | None, ladder: tuple[Segment, ...]) -> Item:
    event = mfe.require(1)
    if event not in KEPT:
        remedy = "deactivate the item (MDC) instead: posted documents still name it"
        raise DocumentError("an item is never deleted", where=mfe.where(1), remedy=remedy)
    if itm is None:
        raise DocumentError("the record has no ITM segment", where=mfe.place)
    base = next((pkg for pkg in ladder if pkg.number(4) == 1), None)
    price = base.number("5.1.1", None) if base else None
    return Item(
        item_number=itm.require("1.1"),
        description=itm.require("2"),
        unit=base.require("2.1") if base else "EA",
        category=itm.get("5.1"),
        supplier_number=vnd.require("2.1") if vnd else None,
        supplier_item_number=vnd.get("4.1") if vnd else None,
        manufacturer=itm.get("7.2") or itm.get("7.1"),
        manufacturer_item_number=itm.get("9"),
        packaging=tuple(packaging(pkg) for pkg in ladder),
        cost_price=Money(amount=price) if price is not None else None,
        natural_account=itm.get("19.1"),
        chargeable=itm.get("11.1") == "Y",
        stocked=itm.get("14.1") != "N",
        active=KEPT[event],
    )


def packaging(pkg: Segment) -> Packaging:
    price, gtin = pkg.number("5.1.1", None), pkg.get("8.1")
    return Packaging(
        unit=pkg.require("2.1"),
        contains=pkg.number(4),
        identifier=Identifier(scheme="GTIN", value=gtin) if gtin else None,
        price=Money(amount=price) if price is not None else None,
    )
