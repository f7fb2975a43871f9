"""Tax against the rates that the policies expect, line by line and in all; of who is exempt, none."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from engine.canonical import Invoice, InvoiceLine, Item, LineKind, Money
from engine.channel.policies import Policies
from engine.channel.policy_matching import TaxRate
from engine.channel.policy_parts import most_specific
from engine.procure.decision import Finding, World
from engine.procure.exact import Exact, decimal_of, exact, product, rounded
from engine.procure.matching.tolerance import Verdict, judge
from engine.procure.matching.validate_invoice import aspects_of, found
from engine.procure.policies import policies_of

_HUNDREDTH = Fraction(1, 100)


def tax_not_expected(invoice: Invoice, world: World) -> Iterator[Finding]:
    """Nothing where no rate is known for one of its lines: then only the supplier's own figures are compared."""
    policies = policies_of(world)
    if not policies.matching.taxes:
        return
    exact_sum: Exact = 0
    by_line = Decimal(0)
    rates: dict[_Of, TaxRate | None] = {}
    for line in invoice.lines:
        if line.line_kind is LineKind.TAX:
            continue
        of = _of(invoice, line, world)
        if of not in rates:  # most lines of an invoice are taxed alike
            rates[of] = _rate(invoice, of, policies)
        rate = rates[of]
        if rate is None:
            return
        wanted = exact(product(line.extended.amount, rate.percent)) * _HUNDREDTH if rate.percent else 0
        exact_sum += wanted
        by_line += rounded(wanted, invoice.currency)
        if line.tax_amount is not None:
            yield from _line(invoice, line, wanted, policies)
    told = sum((one.amount.amount for one in invoice.taxes), Decimal(0))
    told += sum((line.extended.amount for line in invoice.lines if line.line_kind is LineKind.TAX), Decimal(0))
    # Some round each line, others only the sum: either is right.
    expected = min(rounded(exact_sum, invoice.currency), by_line, key=lambda one: abs(told - one))
    verdict = judge("tax", expected, told, policies, aspects_of(invoice))
    if not verdict.within or (expected == 0 and told > 0):
        yield _finding(invoice, "", verdict)


def _line(invoice: Invoice, line: InvoiceLine, wanted: Exact, policies: Policies) -> Iterator[Finding]:
    told = line.tax_amount.amount if line.tax_amount is not None else Decimal(0)
    verdict = judge("tax_line", rounded(wanted, invoice.currency), told, policies, aspects_of(invoice))
    if not verdict.within or (wanted == 0 and told > 0):
        yield _finding(invoice, str(line.number), verdict)


class _Of(NamedTuple):
    """What of a line its rate follows from, beside its invoice."""

    category: str | None
    department: str | None
    facility: str | None
    tax_code: str | None


def _of(invoice: Invoice, line: InvoiceLine, world: World) -> _Of:
    item = world.find(Item, line.item_number) if line.item_number else None
    category, code = (item.category, item.tax_code) if item is not None else (None, None)
    return _Of(category, line.cost_center, line.facility or invoice.facility, line.tax_code or code)


def _rate(invoice: Invoice, line: _Of, policies: Policies) -> TaxRate | None:
    """By supplier, category, department and place; a rule that names the line's tax code comes first."""
    of = aspects_of(invoice, line.category)._replace(department=line.department, facility=line.facility)
    rules = (one for one in policies.matching.taxes if one.tax_code in (None, line.tax_code))
    return next(iter(most_specific(rules, of)), None)


def _finding(invoice: Invoice, place: str, verdict: Verdict) -> Finding:
    """Of who is exempt, no tax at all is within: the tolerance is for what rounding leaves."""
    money = Money(amount=decimal_of(verdict.difference), currency=invoice.currency).rounded()
    if verdict.expected == 0:
        flip = "no tax, or a rule that allows it"
        return found(invoice, "tax_not_due", "Tax is asked of who is exempt", place, money=money,
                     facts=verdict.facts, flip=flip)  # fmt: skip
    title = "The tax is not that of the expected rate"
    return found(invoice, "tax_rate_differs", title, place, money=money, facts=verdict.facts,
                 flip=verdict.flip_in(invoice.currency))  # fmt: skip
