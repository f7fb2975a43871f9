"""Which system is right about which field, as documents come into the process."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.canonical import CaseAction, CaseVerb, CostCenter
from engine.channel.policies import Policies
from engine.channel.policy_records import RecordRules
from engine.connectors.procure import PROCESS, ProcureDestination, ProcureDestinationSettings
from engine.core.errors import DestinationError, RecordOwnerError
from engine.ports.connector import Outbound
from engine.ports.procure import Case, CaseQuery, Reference
from engine.procure.papers import read
from engine.procure.process import Process
from engine.store.open import Store
from tests.support.connector_doubles import Clock, context

POLICIES = Policies(
    records=RecordRules.model_validate(
        {
            "fields": [
                {"field": "CostCenter.legal_entity", "owner": ["erp"], "otherwise": "refuse"},
                {"field": "CostCenter.manager", "owner": ["directory"], "otherwise": "raise"},
                {"field": "CostCenter.name", "owner": ["erp"], "otherwise": "keep"},
            ]
        }
    )
)
CENTER = CostCenter(cost_center="6100", name="Operating rooms", legal_entity="HH", manager="ann")


@pytest.fixture
def process(store: Store) -> Process:
    return Process(store.records, Clock(), lambda: POLICIES)


def _center(**more: object) -> CostCenter:
    return CENTER.model_copy(update=more)


async def _kept(store: Store) -> CostCenter:
    reference = Reference("CostCenter", "6100")
    found = read((await store.records.latest([reference]))[reference])
    assert isinstance(found, CostCenter)
    return found


async def _cases(store: Store) -> list[Case]:
    return await store.records.cases(CaseQuery())


async def test_a_refused_write_changes_nothing_and_is_told(process: Process, store: Store) -> None:
    await process.take(CENTER)

    with pytest.raises(RecordOwnerError, match=r"payroll may not change CostCenter\.legal_entity") as refused:
        await process.take(_center(legal_entity="OTHER"), system="payroll")

    assert "OTHER" not in str(refused.value)
    assert await _kept(store) == CENTER


async def test_the_owner_may_write_what_others_may_not(process: Process, store: Store) -> None:
    await process.take(CENTER)
    await process.take(_center(legal_entity="OTHER"), system="erp")

    assert (await _kept(store)).legal_entity == "OTHER"


async def test_the_owners_value_is_kept_and_the_rest_is_taken(process: Process, store: Store) -> None:
    await process.take(CENTER)
    await process.take(_center(name="OR", facility="MAIN"), system="payroll")

    assert await _kept(store) == _center(facility="MAIN")
    assert await _cases(store) == []


async def test_a_raised_write_is_a_case_until_the_system_says_otherwise(process: Process, store: Store) -> None:
    await process.take(CENTER)
    for _ in range(2):
        await process.take(_center(manager="bob"), system="payroll")
    (case,) = await _cases(store)
    assert (case.type, case.dossier) == ("written_by_non_owner", "claims:CostCenter/6100")
    assert "bob" not in repr(case)
    assert (await _kept(store)).manager == "ann"

    await process.take(CENTER, system="payroll")

    assert await _cases(store) == []


async def test_a_person_settles_a_claim_for_good(process: Process, store: Store) -> None:
    await process.take(CENTER)
    await process.take(_center(manager="bob"), system="payroll")
    (case,) = await _cases(store)

    action = CaseAction(
        action_number="1",
        case_id=case.case_id,
        dossier=case.dossier,
        action=CaseVerb.REJECT,
        who="cora",
        at=datetime.now(UTC) + timedelta(days=3650),
        reason="payroll has it wrong",
    )
    await process.take(action, who="cora")
    await process.take(_center(manager="bob"), system="payroll")

    assert await _cases(store) == []


async def test_writes_of_two_systems_at_once_lose_nothing(process: Process, store: Store) -> None:
    await process.take(CENTER)

    await asyncio.gather(
        *(process.take(_center(name=f"OR {n}"), system="erp") for n in range(5)),
        *(process.take(_center(name="old", facility=f"F{n}"), system="payroll") for n in range(5)),
    )

    assert (await _kept(store)).name in {f"OR {n}" for n in range(5)}


async def test_the_destination_says_who_writes_and_holds_what_is_refused(process: Process, tmp_path: Path) -> None:
    await process.take(CENTER)
    services = context(tmp_path, services={PROCESS: process})
    destination = ProcureDestination(ProcureDestinationSettings(system="payroll"), services)
    body = _center(legal_entity="OTHER").model_dump_json().encode()

    with pytest.raises(DestinationError, match="payroll may not change"):
        await destination.send(_outbound(body))


def _outbound(body: bytes) -> Outbound:
    return Outbound(1, 1, "masters", "c", "k", body, kind="CostCenter")


async def test_what_a_system_knows_nothing_of_stays_as_it_was(process: Process, store: Store) -> None:
    await process.take(CENTER)
    await process.take(_center(name="Theatres", legal_entity=None, manager=None), system="erp", fields=("name",))

    assert await _kept(store) == _center(name="Theatres")


async def test_a_new_document_is_kept_as_the_system_tells_it(process: Process, store: Store) -> None:
    await process.take(_center(manager=None), system="erp", fields=("name",))

    assert await _kept(store) == _center(manager=None)


async def test_a_field_of_others_is_judged_also_where_only_some_are_told(process: Process, store: Store) -> None:
    await process.take(CENTER)
    await process.take(_center(name="Theatres"), system="payroll", fields=("name",))

    assert await _kept(store) == CENTER


def test_fields_that_no_document_has_are_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        ProcureDestinationSettings(system="erp", fields=("colour",))
    with pytest.raises(ValueError, match="system"):
        ProcureDestinationSettings(fields=("name",))
