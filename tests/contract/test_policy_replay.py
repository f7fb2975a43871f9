"""Recent history decided by other policies: what differs, in counts and money; nothing is changed by looking."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.canonical import Approval, Money
from engine.channel.load import read_policies
from engine.channel.policies import Policies
from engine.cli.replay import command
from engine.core.clock import SystemClock
from engine.ports.procure import CaseQuery, Reference
from engine.procure.policy_desk import PolicyDesk
from engine.procure.policy_replay import PolicyReplay
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
        ("Requisition/R-2#A-2", (), ("approval_wanted for anna",)),
        ("Requisition/R-3#A-3", (), ("approval_wanted for anna",)),
    ]
    assert [(one.supplier, one.facility, one.documents, one.amount) for one in report.shares] == [
        ("S1", "CLINIC", 1, Decimal(450)),
        ("S1", "MAIN", 1, Decimal(400)),
    ]
    assert report.outcomes == {"waits → approval_wanted for anna": 2}
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
