"""The shipped site: it loads, its cases hold, and what it books is what the planned day calls for."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.channel.cases import CaseOutcome, run_cases
from engine.channel.load import load_site
from engine.channel.site import Site
from engine.cli.demo.catalogue import CHARGEABLE, DEPARTMENTS, ITEMS, SUPPLIERS
from engine.cli.demo.edi import CLINIC, DIALECTS
from engine.cli.demo.parcel import Day, Ending, Parcel
from engine.cli.demo.traffic import plan_day
from engine.cli.dry_run import runner_for
from engine.ports.procure import COMMANDS
from engine.ports.script import WorkResult
from engine.ports.states import MessageState
from engine.procure.postings.posting import PLANS

ROOT = Path(__file__).resolve().parents[3]
ENDS = {
    Ending.DELIVERED: MessageState.QUEUED,
    Ending.FILTERED: MessageState.FILTERED,
    Ending.HELD: MessageState.HELD,
}
FOR_THE_ERP = {"Supplier", "Item", "PurchaseOrder", "Invoice", "JournalEntry"}
WISHES = "stock_requisition"
AT_THE_ERP = {"an order to a supplier that nobody approved"}  # only the ERP can know


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(ROOT)


@pytest.fixture(scope="module")
def day() -> Day:
    return plan_day(7, 500, date(2026, 11, 20))[0]


@pytest.fixture(scope="module")
def results(site: Site, day: Day) -> list[tuple[Parcel, WorkResult]]:
    run = runner_for(site)
    return [(p, run(site.channels[p.channel], p.body)) for p in day.parcels if p.ending in ENDS]


def outcomes(site: Site) -> Iterator[CaseOutcome]:
    return run_cases(site, runner_for(site))


def test_the_site_loads_without_findings(site: Site) -> None:
    assert not site.findings


def test_every_case_holds(site: Site) -> None:
    failed = [(o.channel, o.name, o.problem, o.differences) for o in outcomes(site) if not o.passed]

    assert not failed


def test_every_channel_has_good_and_bad_cases(site: Site) -> None:
    states: dict[str, list[MessageState]] = defaultdict(list)
    for outcome in outcomes(site):
        assert outcome.result is not None
        states[outcome.channel].append(outcome.result.state)

    assert states.keys() == site.channels.keys()
    for channel, found in states.items():
        assert len(found) >= 4, channel
        bad = {MessageState.HELD, MessageState.FILTERED, MessageState.REFUSED} & set(found)
        assert bad or channel == "functional_acknowledgement_in", channel


def test_crosswalks_say_what_the_demonstration_computes_with(site: Site) -> None:
    assert site.crosswalks["items"] == {item.hospital_code: item.number for item in ITEMS}
    assert site.crosswalks["charge_codes"] == {item.charge_code: item.number for item in CHARGEABLE}
    assert site.crosswalks["departments"] == {row.code: row.cost_center for row in DEPARTMENTS}


def test_partners_are_those_that_the_demonstration_writes_as(site: Site) -> None:
    known = {partner.supplier_number: partner for partner in site.partners.values() if partner.supplier_number}

    assert known.keys() == {supplier.number for supplier in SUPPLIERS}
    for number, dialect in DIALECTS.items():
        partner = known[number]
        assert (partner.isa_qualifier, partner.isa_id) == (dialect.qualifier, dialect.isa_id)
        assert partner.version == dialect.version
    assert site.partners["harbor_clinic"].isa_id == CLINIC.isa_id


def test_the_same_seed_plans_the_same_day() -> None:
    assert plan_day(3, 400, date(2026, 11, 20)) == plan_day(3, 400, date(2026, 11, 20))
    assert plan_day(3, 400, date(2026, 11, 20)) != plan_day(4, 400, date(2026, 11, 20))


def test_the_planned_day_has_as_many_messages_as_asked() -> None:
    assert len(plan_day(1, 2100, date(2026, 11, 20))[0].parcels) == 2100


def test_every_message_of_the_day_ends_as_planned(results: list[tuple[Parcel, WorkResult]]) -> None:
    wrong = [
        (parcel.channel, parcel.name, parcel.mischief, result.state, result.reason)
        for parcel, result in results
        if result.state is not ENDS[parcel.ending] and parcel.mischief not in AT_THE_ERP
    ]

    assert not wrong


def test_documents_for_the_erp_are_those_planned_to_the_cent(
    day: Day, results: list[tuple[Parcel, WorkResult]]
) -> None:
    asked = {effect.natural_key for parcel in day.parcels if parcel.channel == WISHES for effect in parcel.effects}
    expected = {key: amount for key, amount in day.expected().items() if key[1] not in asked}

    made = {key: amount for parcel, result in results if parcel.effects for key, amount in _made(result)}

    assert made == expected


def test_orders_planned_of_requisitions_are_their_lines_by_supplier(
    results: list[tuple[Parcel, WorkResult]],
) -> None:
    small = [(parcel, result) for parcel, result in results if parcel.channel == WISHES and parcel.effects]

    assert len(small) >= 5
    for parcel, result in small:
        (document,) = result.documents
        wish = json.loads(document.body)
        by_supplier: dict[str, Decimal] = defaultdict(Decimal)
        for line in wish["lines"]:
            by_supplier[f"{wish['requisition_number']}-{line['supplier_number']}"] += _sum([line], "anticipated_price")
        assert by_supplier == {effect.natural_key: effect.amount for effect in parcel.effects}


def test_every_command_of_the_process_has_one_channel_that_takes_it(site: Site) -> None:
    taken = [
        command
        for file in site.files
        if file.model.source.type == "procure"
        for command in file.model.source.settings["commands"]
    ]

    assert sorted(taken) == sorted(COMMANDS)


def test_no_patient_identifier_is_in_any_document(day: Day, results: list[tuple[Parcel, WorkResult]]) -> None:
    needles = [text.encode() for text in day.canaries]
    bodies = [document.body for _, result in results for document in result.documents]

    assert len(needles) > 150
    assert not [body for body in bodies if any(needle in body for needle in needles)]


def _made(result: WorkResult) -> Iterator[tuple[tuple[str, str], Decimal | None]]:
    for document in result.documents:
        if document.kind in FOR_THE_ERP:
            assert document.natural_key is not None
            yield (document.kind, document.natural_key), _amount(document.kind, json.loads(document.body))


def _amount(kind: str, body: dict[str, object]) -> Decimal | None:
    """Added up here from the document's own figures, line by line."""
    lines: list[dict[str, dict[str, str]]] = body.get("lines", [])  # type: ignore[assignment]
    match kind:
        case "JournalEntry":
            return sum((Decimal(line["debit"]["amount"]) for line in lines if "debit" in line), Decimal(0))
        case "PurchaseOrder":
            return _sum(lines, "price")
        case "Invoice":
            charges: list[dict[str, dict[str, str]]] = body.get("charges", [])  # type: ignore[assignment]
            return _sum(lines, "price") + sum((Decimal(c["amount"]["amount"]) for c in charges), Decimal(0))
    return None


def _sum(lines: list[dict[str, dict[str, str]]], price: str) -> Decimal:
    extended = (Decimal(line["quantity"]["amount"]) * Decimal(line[price]["amount"]) for line in lines)
    return sum((amount.quantize(Decimal("0.01")) for amount in extended), Decimal(0))


@pytest.mark.parametrize("command", sorted(PLANS))
def test_what_the_erp_refused_does_not_keep_another_try_of_it_from_going_past(site: Site, command: str) -> None:
    models = [file.model for file in site.files if file.model is not None]
    taking = [one for one in models if command in one.source.settings.get("commands", ())]

    assert [one.on_hold for model in taking for one in model.destinations if one.type == "erp"] == ["continue"]
