"""The company that a fresh ERP gets, over JSON-RPC: what the adapter needs to post, and Harbor Health's names.

Source: Tryton 8.2 modules company, account, analytic_account, account_payment, purchase_requisition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from engine.adapters.tryton.rpc import RpcSession
from engine.adapters.tryton.wire import Record, created

COMPANY = "Harbor Health"
API_LOGIN = "isthmus"
ALLOCATION_JOURNAL = "ALLOC"
COST_CENTERS: Sequence[tuple[str, str]] = (
    ("6100", "Operating rooms"),
    ("6110", "Cardiac catheterization"),
    ("6120", "Emergency department"),
    ("6130", "Intensive care"),
    ("6140", "Pharmacy"),
    ("6150", "Laboratory"),
    ("6160", "Sterile processing"),
    ("6170", "Central warehouse"),
    ("6180", "Clinic"),
)
NATURAL_ACCOUNTS: Sequence[tuple[str, str, str]] = (  # code, name, flag of the account type
    ("1300", "Supplies inventory", "stock"),
    ("5100", "Medical supplies expense", "expense"),
    ("5200", "Freight and handling", "expense"),
    ("5300", "Sales and use tax", "expense"),
)
_STRICT, _LOOSE = "ir.sequence.strict", "ir.sequence"


class Seeded(NamedTuple):
    """What the engine's connection needs: the key is a secret."""

    company: int
    key: str


async def seed_company(rpc: RpcSession, today: date, step: Callable[[str], None] = lambda text: None) -> Seeded:
    """Make the company and all that posting needs; `rpc` is signed in as the administrator of a fresh database."""
    step("company and currency")
    currency = await _currency(rpc, today)
    company = await _company(rpc, currency)
    step("chart of accounts")
    await _chart(rpc, company)
    await _natural_accounts(rpc, company)
    step("fiscal years")
    for year in (today.year - 1, today.year, today.year + 1):
        await _fiscal_year(rpc, company, year)
    step("journals, terms and cost centers")
    await _journals(rpc, company, currency)
    await _cost_centers(rpc, company)
    step("warehouse, employee and key")
    return Seeded(company, await _api_user(rpc, company))


async def _currency(rpc: RpcSession, today: date) -> int:
    rate = {"rate": Decimal(1), "date": date(today.year - 1, 1, 1)}
    return await rpc.create(
        "currency.currency",
        name="US Dollar",
        code="USD",
        symbol="$",
        digits=2,
        rounding=Decimal("0.01"),
        rates=created(rate),
    )


async def _company(rpc: RpcSession, currency: int) -> int:
    party = await rpc.create("party.party", name=COMPANY, code="HARBOR")
    company = await rpc.create("company.company", party=party, currency=currency)
    (admin,) = await rpc.read("res.user", [["login", "=", "admin"]])
    own = {"companies": [["add", [company]]], "company": company}
    await rpc.model("res.user", "write", [admin["id"]], own)
    await rpc.refresh()
    rpc.context["companies"] = [company]
    return company


async def _chart(rpc: RpcSession, company: int) -> None:
    (template, *_) = await rpc.read("account.account.template", [["parent", "=", None]])
    chart = {"account": {"company": company, "account_template": template["id"]}}
    session, start, _ = await rpc.call("wizard.account.create_chart.create", rpc.context)
    await rpc.call("wizard.account.create_chart.execute", session, {}, start, rpc.context)
    await rpc.call("wizard.account.create_chart.execute", session, chart, "create_account", rpc.context)
    defaults = {"properties": await _default_accounts(rpc, company)}
    await rpc.call("wizard.account.create_chart.execute", session, defaults, "create_properties", rpc.context)
    await rpc.call("wizard.account.create_chart.delete", session, rpc.context)


async def _default_accounts(rpc: RpcSession, company: int) -> Record:
    async def first(flag: str) -> int:
        (found, *_) = await rpc.read("account.account", [[f"type.{flag}", "=", True], ["closed", "!=", True]])
        return int(found["id"])

    return {
        "company": company,
        "account_receivable": await first("receivable"),
        "account_payable": await first("payable"),
        "category_account_expense": await first("expense"),
        "category_account_revenue": await first("revenue"),
    }


async def _natural_accounts(rpc: RpcSession, company: int) -> None:
    for code, name, flag in NATURAL_ACCOUNTS:
        (sibling, *_) = await rpc.read("account.account", [[f"type.{flag}", "=", True]], "type", "parent")
        kind, parent = sibling["type"], sibling["parent"]
        await rpc.create("account.account", name=name, code=code, company=company, type=kind, parent=parent)
    (expense,) = await rpc.read("account.account", [["code", "=", "5100"]])
    await rpc.create("product.category", name="Medical supplies", accounting=True, account_expense=expense["id"])


async def _sequence(rpc: RpcSession, model: str, name: str, kind: str, company: int) -> int:
    (found, *_) = await rpc.read("ir.sequence.type", [["name", "=", kind]])
    return await rpc.create(model, name=name, sequence_type=found["id"], company=company)


async def _fiscal_year(rpc: RpcSession, company: int, year: int) -> None:
    invoices = await _sequence(rpc, _STRICT, f"Supplier invoices {year}", "Invoice", company)
    await rpc.model("ir.sequence.strict", "write", [invoices], {"prefix": f"{year}-", "padding": 6})
    moves = await _sequence(rpc, _STRICT, f"Moves {year}", "Account Move", company)
    sides = ("in_invoice_sequence", "in_credit_note_sequence", "out_invoice_sequence", "out_credit_note_sequence")
    fiscal_year = await rpc.create(
        "account.fiscalyear",
        name=str(year),
        company=company,
        start_date=date(year, 1, 1),
        end_date=date(year, 12, 31),
        move_sequence=moves,
        invoice_sequences=created({"company": company, **dict.fromkeys(sides, invoices)}),
    )
    await rpc.model("account.fiscalyear", "create_period", [fiscal_year])


async def _journals(rpc: RpcSession, company: int, currency: int) -> None:
    await rpc.create("account.journal", name="Cost allocation", code=ALLOCATION_JOURNAL, type="general")
    days = {"type": "remainder", "relativedeltas": created({"days": 30})}
    await rpc.create("account.invoice.payment_term", name="Net 30", lines=created(days))
    (payable, *_) = await rpc.read("account.account", [["type.payable", "=", True]], "type", "parent")
    clearing = await rpc.create(
        "account.account",
        name="Payments on their way",
        code="2190",
        company=company,
        reconcile=True,
        type=payable["type"],
        parent=payable["parent"],
    )
    (journal, *_) = await rpc.read("account.journal", [["code", "=", "EXP"]])
    await rpc.create(
        "account.payment.journal",
        name="ACH",
        company=company,
        currency=currency,
        process_method="manual",
        clearing_journal=journal["id"],
        clearing_account=clearing,
    )


async def _cost_centers(rpc: RpcSession, company: int) -> None:
    model = "analytic_account.account"
    root = await rpc.create(model, type="root", name="Cost centers", code="CC", company=company)
    values = [
        {"type": "normal", "root": root, "parent": root, "code": code, "name": name, "company": company}
        for code, name in COST_CENTERS
    ]
    await rpc.model(model, "create", values)


async def _api_user(rpc: RpcSession, company: int) -> str:
    party = await rpc.create("party.party", name="Interface engine", code="ISTHMUS")
    employee = await rpc.create("company.employee", party=party, company=company)
    groups = [group["id"] for group in await rpc.read("res.group", [])]
    user = await rpc.create(
        "res.user",
        name="Interface engine",
        login=API_LOGIN,
        company=company,
        employee=employee,
        companies=[["add", [company]]],
        employees=[["add", [employee]]],
        groups=[["add", groups]],
    )
    key = await rpc.create("res.user.application", user=user, application="rest")
    (made,) = await rpc.model("res.user.application", "read", [key], ["key", "state"])
    return str(made["key"])
