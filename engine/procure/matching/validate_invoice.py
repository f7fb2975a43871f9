"""An invoice by itself: its supplier, remit-to, dates, currency, terms and sums."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from engine.canonical import CostCenter, Invoice, InvoiceKind, Money, PurchaseOrder, Supplier, SupplierStatus
from engine.canonical.guarded import Guarded
from engine.channel.policy_parts import Aspects
from engine.procure.decision import Finding, World, text_of
from engine.procure.exact import decimal_of
from engine.procure.matching.tolerance import judge
from engine.procure.policies import policies_of, tolerance_for
from engine.procure.suppliers.goes_on import are_one

_OLD = timedelta(days=366)


def aspects_of(invoice: Invoice, category: str | None = None) -> Aspects:
    return Aspects(
        supplier=invoice.supplier_number,
        category=category or invoice.category,
        facility=invoice.facility,
        legal_entity=invoice.legal_entity,
    )


def found(invoice: Invoice, type_: str, title: str, place: str = "", **more: object) -> Finding:
    """A finding about an invoice, or a part of it. Where no difference is told in money, all of it is at stake."""
    more["money"] = more.get("money") or invoice.stated_total
    values = {"supplier": invoice.supplier_number, "facility": invoice.facility, "category": invoice.category, **more}
    key = f"{invoice.natural_key}/{place}" if place else invoice.natural_key
    return Finding(type_, key, title, **values)  # type: ignore[arg-type]  # by name


def validate(invoice: Invoice, order: PurchaseOrder | None, world: World) -> Iterator[Finding]:
    yield from _supplier(invoice, order, world)
    yield from _currency(invoice, order)
    yield from _dates(invoice, world)
    yield from tax_differs(invoice, world)
    yield from _terms(invoice, order)
    yield from _dimensions(invoice, world)


def _supplier(invoice: Invoice, order: PurchaseOrder | None, world: World) -> Iterator[Finding]:
    supplier = world.find(Supplier, invoice.supplier_number)
    other = order is not None and order.supplier_number != invoice.supplier_number
    if order is not None and other and not _merged(supplier, order, invoice, world):
        flip = "the order's supplier"
        yield found(invoice, "supplier_differs", "The invoice is of another supplier than its order", flip=flip)
    if supplier is None:
        # An order tells that somebody knows it, and its master data may come later; unless all of it was told.
        if order is None or "suppliers" in world.watermarks:
            yield found(invoice, "supplier_unknown", "Nobody knows this supplier", flip="the supplier's master data")
        return
    if not supplier.active:
        yield found(invoice, "supplier_inactive", "The supplier is not active", flip="an active supplier")
    elif supplier.status in (SupplierStatus.HELD, SupplierStatus.ONBOARDING):
        facts = {"status": supplier.status.value}
        yield found(invoice, "supplier_held", "The supplier may not be paid yet", facts=facts, flip="its approval")
    yield from _account(invoice, supplier)
    remit = supplier.remit_to(invoice.remit_to) if invoice.remit_to else None
    if invoice.remit_to and (remit is None or not remit.active or not remit.is_valid_on(invoice.invoiced_on)):
        yield found(invoice, "remit_to_unknown", "The remit-to is not one of the supplier's", flip="a known remit-to")


def _merged(supplier: Supplier | None, order: PurchaseOrder, invoice: Invoice, world: World) -> bool:
    """Whether one of the two numbers ended in the other, before or after the order."""
    if supplier is not None and supplier.merged_into == order.supplier_number:
        return True
    ordered_from = world.find(Supplier, order.supplier_number)
    if ordered_from is not None and ordered_from.merged_into == invoice.supplier_number:
        return True
    return are_one(order.supplier_number, invoice.supplier_number, world)


def _account(invoice: Invoice, supplier: Supplier) -> Iterator[Finding]:
    """An account that the invoice names is never paid to. One that is not the supplier's is how fraud begins."""
    if invoice.bank_account_hint is None:
        return
    known = {_plain(number) for one in supplier.bank_accounts if one.active
             for number in (one.account_number, one.iban) if number is not None}  # fmt: skip
    if known and _plain(invoice.bank_account_hint) not in known:
        title = "The invoice names an account that is not the supplier's"
        flip = "one of the supplier's accounts; ask under a number that you had before"
        yield found(invoice, "bank_account_differs", title, "account", facts={"known_accounts": len(known)}, flip=flip)


def _plain(number: Guarded) -> str:
    return "".join(filter(str.isalnum, number.reveal())).upper().lstrip("0")


def _currency(invoice: Invoice, order: PurchaseOrder | None) -> Iterator[Finding]:
    used = {invoice.currency, invoice.stated_total.currency, *(line.price.currency for line in invoice.lines)}
    used |= {one.amount.currency for one in (*invoice.charges, *invoice.taxes)}
    wanted = order.currency if order is not None else invoice.currency
    if used != {wanted}:
        facts = {"expected": wanted, "actual": sorted(used)}
        yield found(invoice, "currency_differs", "The currency is another one", facts=facts, flip=f"all in {wanted}")


def _dates(invoice: Invoice, world: World) -> Iterator[Finding]:
    today = world.now.date()
    ahead, policies, of = (invoice.invoiced_on - today).days, policies_of(world), aspects_of(invoice)
    if ahead > 0 and tolerance_for(policies, "date", of) is not None:
        verdict = judge("date", Decimal(0), Decimal(ahead), policies, of)
        if not verdict.within:
            title = "The invoice is dated in the future"
            yield found(invoice, "date_in_future", title, facts=verdict.facts, flip=verdict.flip)
    if invoice.invoiced_on < today - _OLD:
        yield found(invoice, "date_too_old", "The invoice is older than a year", flip=f"{today - _OLD} or later")


def sum_differs(invoice: Invoice, lines: Decimal, world: World) -> Iterator[Finding]:
    """Whether lines, charges and taxes add up to what the supplier wrote."""
    others = sum((one.amount.amount for one in (*invoice.charges, *invoice.taxes)), Decimal(0))
    verdict = judge(
        "small_differences", lines + others, invoice.stated_total.amount, policies_of(world), aspects_of(invoice)
    )
    if not verdict.within:
        money = Money(amount=decimal_of(verdict.difference), currency=invoice.currency)
        title = "The total is not what its parts add up to"
        yield found(invoice, "total_out_of_balance", title, money=money, facts=verdict.facts,
                    flip=verdict.flip_in(invoice.currency))  # fmt: skip


def tax_differs(invoice: Invoice, world: World) -> Iterator[Finding]:
    parts = [line.tax_amount.amount for line in invoice.lines if line.tax_amount is not None]
    if not parts:
        return
    told = sum((one.amount.amount for one in invoice.taxes), Decimal(0))
    verdict = judge("tax", sum(parts, Decimal(0)), told, policies_of(world), aspects_of(invoice))
    if not verdict.within:
        title = "The tax is not that of its lines"
        yield found(invoice, "tax_differs", title, facts=verdict.facts, flip=verdict.flip)


def _terms(invoice: Invoice, order: PurchaseOrder | None) -> Iterator[Finding]:
    """What the invoice says is less than was agreed: sooner to be paid, or without its discount."""
    agreed = order.terms if order is not None else None
    if agreed is None or invoice.terms is None:
        return
    if None not in (agreed.net_days, invoice.terms.net_days) and (invoice.terms.net_days or 0) < (agreed.net_days or 0):
        facts = {"expected": str(agreed.net_days), "actual": str(invoice.terms.net_days)}
        flip = f"net {agreed.net_days} days"
        yield found(invoice, "terms_differ", "It is to be paid sooner than agreed", facts=facts, flip=flip)
    wanted, told = agreed.discount_percent or Decimal(0), invoice.terms.discount_percent or Decimal(0)
    days, told_days = agreed.discount_days or 0, invoice.terms.discount_days or 0
    if invoice.invoice_kind is InvoiceKind.INVOICE and (told < wanted or (told == wanted > 0 and told_days < days)):
        facts = {"expected": _discount(wanted, days), "actual": _discount(told, told_days)}
        money = invoice.total.times((wanted - told) / 100).rounded()
        yield found(invoice, "terms_differ", "It gives less discount than agreed", "discount", money=money, facts=facts,
                    flip=_discount(wanted, days))  # fmt: skip


def _discount(percent: Decimal, days: int) -> str:
    return f"{text_of(percent)} % within {days} days"


def _dimensions(invoice: Invoice, world: World) -> Iterator[Finding]:
    for line in invoice.lines:
        if line.cost_center is None:
            continue
        center, place, facts = world.find(CostCenter, line.cost_center), str(line.number), {"actual": line.cost_center}
        if center is None:
            title = "Nobody knows the cost center"
            yield found(invoice, "dimension_unknown", title, place, facts=facts, flip="a cost center that is known")
        elif not (center.active and center.is_valid_on(invoice.invoiced_on)):
            title = "The cost center is closed"
            yield found(invoice, "dimension_invalid", title, place, facts=facts, flip="an open cost center")
