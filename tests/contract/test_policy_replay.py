"""Recent history decided by other policies: what differs, in counts and money; nothing is changed by looking."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.canonical import (
    Approval,
    Invoice,
    InvoiceLine,
    MatchRule,
    Money,
    OrderLine,
    PostingResult,
    PurchaseOrder,
    Quantity,
)
from engine.channel.load import read_policies
from engine.channel.policies import Policies
from engine.cli.replay import command
from engine.core.clock import SystemClock
from engine.ports.procure import CaseQuery, Reference
from engine.procure.policy.desk import PolicyDesk
from engine.procure.policy.replay import PolicyReplay
from engine.procure.process import Process
from engine.store.open import Store, open_store
from tests.support.connector_doubles import Clock

MONDAY = datetime(2026, 11, 23, 14, tzinfo=UTC)
PEOPLE = {
    "roles": {"buyer": {"approves_up_to": 1000}, "cfo": {"unlimited": True}},
    "people": [{"person": "anna", "roles": ["buyer"], "manager": "cora"}, {"person": "cora", "roles": ["cfo"]}],
}


def policies(free_up_to: int) -> Policies:
    routes = [
        {"route": "small", "subjects": ["requisition"], "up_to": free_up_to},
        {"route": "more", "subjects": ["requisition"], "above": free_up_to, "steps": [{"roles": ["buyer"]}]},
    ]
    return Policies.model_validate({"people": PEOPLE, "approvals": {"routes": routes}})


def approval(number: int, amount: int, facility: str) -> Approval:
    return Approval(
        approval_number=f"A-{number}",
        dossier=f"approval:A-{number}",
        subject_kind="Requisition",
        subject_key=f"R-{number}",
        requested_by="carl",
        requested_at=MONDAY,
        amount=Money(amount=Decimal(amount)),
        supplier_number="S1",
        facility=facility,
    )


async def fill(store: Store, clock: Any, rules: Policies) -> None:
    desk = PolicyDesk(store.records, clock)
    await desk.start(rules)
    process = Process(store.records, clock, lambda: desk.current)
    for number, (amount, facility) in enumerate([(100, "MAIN"), (400, "MAIN"), (450, "CLINIC"), (2000, "MAIN")], 1):
        await process.take(approval(number, amount, facility))


async def test_what_another_policy_decides_otherwise_is_counted_by_supplier_and_facility(store: Store) -> None:
    clock = Clock(MONDAY)
    await fill(store, clock, policies(500))
    before = [await store.records.load(f"approval:A-{n}") for n in range(1, 5)]

    report = await PolicyReplay(store.records, clock, policies(500), policies(300)).run(MONDAY - timedelta(days=1))

    assert report.decided == 4
    assert [(one.document, one.before, one.after) for one in report.otherwise] == [
        ("Requisition/R-2#A-2", ("approved",), ("approval_wanted for anna",)),
        ("Requisition/R-3#A-3", ("approved",), ("approval_wanted for anna",)),
    ]
    assert [(one.supplier, one.facility, one.documents, one.amount) for one in report.shares] == [
        ("S1", "CLINIC", 1, Decimal(450)),
        ("S1", "MAIN", 1, Decimal(400)),
    ]
    assert report.outcomes == {"approved → approval_wanted for anna": 2}
    assert [await store.records.load(f"approval:A-{n}") for n in range(1, 5)] == before


async def test_the_same_policies_decide_nothing_otherwise(store: Store) -> None:
    clock = Clock(MONDAY)
    await fill(store, clock, policies(500))

    report = await PolicyReplay(store.records, clock, policies(500), policies(500)).run(MONDAY - timedelta(days=1))

    assert (report.decided, report.otherwise) == (4, ())


async def test_what_is_older_is_not_decided_again(store: Store) -> None:
    clock = Clock(MONDAY)
    await fill(store, clock, policies(500))

    report = await PolicyReplay(store.records, clock, policies(500), policies(300)).run(MONDAY + timedelta(days=1))

    assert report.decided == 0


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for folder in ("channels", "config/policies", "var"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def test_the_command_reads_beside_the_engine_and_changes_nothing(site: Path) -> None:
    import asyncio

    async def work() -> int:
        store = await open_store(f"sqlite:///{site / 'var/isthmus.db'}", SystemClock())
        await fill(store, SystemClock(), policies(500))
        found = len(await store.records.versions(Reference("Policies", "active")))
        await store.close()
        return found

    asyncio.run(work())
    other = site / "other"
    other.mkdir()
    (other / "approvals.yaml").write_text(
        "routes:\n  - {route: all, subjects: [requisition], steps: [{roles: [cfo]}]}\n"
    )

    told = CliRunner().invoke(command, ["--policy", str(other), "--since", "30d", "--json", "--site", str(site)])
    words = CliRunner().invoke(command, ["--policy", str(other / "approvals.yaml"), "--site", str(site)])

    assert told.exit_code == 0, told.output
    facts = json.loads(told.output)
    assert (facts["decided"], len(facts["otherwise"])) == (4, 3)
    assert facts["by_supplier_and_facility"][1] == {
        "supplier": "S1", "facility": "MAIN", "currency": "USD", "documents": 2, "amount": "500"
    }  # fmt: skip
    assert "3 documents otherwise" in words.output
    assert asyncio.run(work()) == 1


def test_a_policy_with_a_mistake_is_told_with_its_line(site: Path) -> None:
    (site / "approvals.yaml").write_text("routes:\n  - {route: all, subjects: [requisitions]}\n")

    told = CliRunner().invoke(command, ["--policy", str(site / "approvals.yaml"), "--site", str(site)])

    assert told.exit_code == 2
    assert "approvals.yaml:2:" in told.output


def test_what_lint_would_refuse_is_told_before_it_is_deployed(site: Path) -> None:
    import asyncio

    async def work() -> None:
        store = await open_store(f"sqlite:///{site / 'var/isthmus.db'}", SystemClock())
        await fill(store, SystemClock(), policies(500))
        await store.close()

    asyncio.run(work())
    path = site / "approvals.yaml"
    path.write_text("routes:\n  - {route: all, subjects: [requisition], above: 200}\n")

    told = CliRunner().invoke(command, ["--policy", str(path), "--site", str(site)])

    assert told.exit_code == 0, told.output
    assert f"{path}:2:50: C135 no route takes a requisition up to 200" in told.output
    assert "2 documents otherwise" in told.output


def test_one_file_takes_the_place_of_that_part_only(tmp_path: Path) -> None:
    (tmp_path / "matching.yaml").write_text("rules: [{ways: 2}]\n")
    base = policies(500)
    _ = base.digest

    found, findings = read_policies(tmp_path / "matching.yaml", base)

    assert findings == ()
    assert (found.approvals, found.matching.rules[0].ways) == (base.approvals, 2)
    assert found.digest != base.digest


async def test_cases_stay_as_they_were(store: Store) -> None:
    clock = Clock(MONDAY)
    await fill(store, clock, policies(500))
    cases = await store.records.cases(CaseQuery())

    await PolicyReplay(store.records, clock, policies(500), policies(1)).run(MONDAY - timedelta(days=1))

    assert await store.records.cases(CaseQuery()) == cases


# ------------------------------------------------------------------ a history of invoices, its effect known by hand
SUPPLIERS, FACILITIES = ("S1", "S2", "S3"), ("MAIN", "CLINIC")


def tolerance(percent: int) -> Policies:
    rules = [{"rule": "price", "upper": {"percent": percent}, "lower": {"unlimited": True}}]
    return Policies.model_validate({"tolerances": {"rules": rules}})


async def history(store: Store, clock: Any, rules: Policies, invoices: int, step: int) -> None:
    """Each of one thing for 100.00 as ordered; invoice n asks n times `step` cents more."""
    process, day = Process(store.records, clock, lambda: rules), MONDAY.date()
    one = Quantity(amount=Decimal(1))
    for number in range(invoices):
        about = {"supplier_number": SUPPLIERS[number % 3], "facility": FACILITIES[number % 2]}
        wanted = OrderLine(number=1, item_number="M1", quantity=one, price=Money(amount=Decimal(100)))
        order = f"PO-{number}"
        await process.take(PurchaseOrder(order_number=order, ordered_on=day, lines=(wanted,),
                                         match_rule=MatchRule.TWO_WAY, **about))  # fmt: skip
        asked = InvoiceLine(number=1, quantity=one, order_line_number=1,
                            price=Money(amount=Decimal(100) + Decimal(number * step) / 100))  # fmt: skip
        await process.take(Invoice(invoice_number=f"I{number * 7919}", invoiced_on=day, order_number=order,
                                   lines=(asked,), stated_total=asked.extended, **about))  # fmt: skip


@pytest.mark.parametrize(
    ("invoices", "step", "otherwise", "money"),
    [
        (30, 10, 10, "1015.50"),  # 10 x 100.00 and 1.10 to 2.00
        pytest.param(300, 1, 100, "10150.50", marks=pytest.mark.slow),  # 100 x 100.00 and 1.01 to 2.00
    ],
)
async def test_a_narrower_tolerance_over_many_invoices_tells_what_a_hand_count_tells(
    tmp_path: Path, invoices: int, step: int, otherwise: int, money: str
) -> None:
    """From 2 to 1 per cent: those that asked 1.01 to 2.00 more would have waited for a person, although posted."""
    store, clock = await open_store(f"sqlite:///{tmp_path}/isthmus.db", SystemClock()), Clock(MONDAY)
    before, after = tolerance(2), tolerance(1)
    await history(store, clock, before, invoices, step)
    answer = PostingResult(dossier="order:PO-15", command="post_invoice", subject_kind="Invoice", ok=True,
                           subject_key=f"S1/I{15 * 7919}", answered_at=MONDAY, reference="7731")  # fmt: skip
    await Process(store.records, clock, lambda: before).answered(answer)

    first = await PolicyReplay(store.records, clock, before, after).run(MONDAY - timedelta(days=1))
    again = await PolicyReplay(store.records, clock, before, after).run(MONDAY - timedelta(days=1))

    assert first == again
    assert first.decided == invoices  # an order each; what only gathers is no decision
    assert len(first.otherwise) == otherwise
    assert sum(one.amount for one in first.otherwise) == Decimal(money)
    assert first.outcomes == {"post invoice → price_above_tolerance for accounts-payable": otherwise}
    by_hand = {
        (SUPPLIERS[s], FACILITIES[f]): [
            n for n in range(invoices) if 100 < n * step <= 200 and (n % 3, n % 2) == (s, f)
        ]
        for s in range(3)
        for f in range(2)
    }
    shares = {(one.supplier, one.facility): (one.documents, one.amount) for one in first.shares}
    assert shares == {
        key: (len(of), Decimal(100 * len(of)) + Decimal(sum(of) * step) / 100) for key, of in by_hand.items()
    }
    assert (await PolicyReplay(store.records, clock, before, before).run(MONDAY - timedelta(days=1))).otherwise == ()
    await store.close()
