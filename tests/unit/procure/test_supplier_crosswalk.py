"""A supplier's numbers in the systems, with dates; and a plan by which one system is told after the other."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.canonical import PostingResult, Supplier
from engine.channel.policies import Policies
from engine.procure.decision import Decision, Intent
from engine.procure.postings.posting import followed, plans_of
from engine.procure.suppliers.crosswalk import dated_numbers
from tests.support.dossiers import Dossiers

PLAN = Policies.model_validate({"postings": {"plans": [{"command": "propagate_supplier", "steps": [
    {"command": "propagate_supplier", "undone_by": "undo_propagate_supplier"},
    {"command": "propagate_supplier_portal", "system": "portal", "undone_by": "undo_propagate_supplier_portal"},
    {"command": "propagate_supplier_warehouse", "system": "warehouse"},
]}]}})  # fmt: skip


def answer(
    system: str, reference: str | None, day: int, command: str = "propagate_supplier", **more: object
) -> PostingResult:
    return PostingResult.model_validate({
        "dossier": "supplier:S1", "command": command, "system": system, "subject_kind": "Supplier", "subject_key": "S1",
        "ok": reference is not None, "answered_at": datetime(2026, 11, day, tzinfo=UTC), "reference": reference, **more,
    })  # fmt: skip


def test_each_systems_number_is_kept_with_its_dates() -> None:
    answers = [
        answer("portal", "P-9", 12, "propagate_supplier_portal"), answer("erp", "17", 10), answer("erp", "17", 11),
        answer("erp", "21", 14), answer("warehouse", None, 13), answer("erp", "99", 13, "undo_propagate_supplier"),
    ]  # fmt: skip

    assert (
        dated_numbers(answers)
        == dated_numbers(answers[::-1])
        == [
            {
                "system": "erp",
                "number": "17",
                "since": "2026-11-10T00:00:00+00:00",
                "until": "2026-11-14T00:00:00+00:00",
            },
            {"system": "erp", "number": "21", "since": "2026-11-14T00:00:00+00:00", "until": None},
            {"system": "portal", "number": "P-9", "since": "2026-11-12T00:00:00+00:00", "until": None},
        ]
    )


def test_a_system_that_refuses_takes_the_supplier_back_from_those_before_as_it_was() -> None:
    here = Dossiers(PLAN)
    old = Supplier(supplier_number="S1", name="Alder")
    new = old.model_copy(update={"name": "Alder Surgical"})
    for document in (old, new, answer("erp", "17", 10), answer("portal", None, 11, "propagate_supplier_portal")):
        here.take(document)
    wish = Intent("propagate_supplier", new, "2:abc")

    found = followed(Decision({}, (), (wish,)), here.papers("supplier:S1"), here.world())

    undo = found.intents[-1]
    assert (undo.key, undo.document) == ("undo_propagate_supplier:S1:2:abc", old)
    assert [one.type for one in found.findings] == ["posting_refused"]


def test_a_new_supplier_that_is_taken_back_is_made_inactive() -> None:
    here = Dossiers(PLAN)
    new = Supplier(supplier_number="S1", name="Alder")
    for document in (new, answer("erp", "17", 10), answer("portal", None, 11, "propagate_supplier_portal")):
        here.take(document)

    found = followed(Decision({}, (), (Intent("propagate_supplier", new),)), here.papers("supplier:S1"), here.world())

    assert isinstance(undo := found.intents[-1].document, Supplier)
    assert (undo.supplier_number, undo.active) == ("S1", False)


def test_answers_to_an_earlier_change_say_nothing_of_this_one() -> None:
    here = Dossiers(PLAN)
    new = Supplier(supplier_number="S1", name="Alder")
    here.take(new)
    here.take(answer("erp", "17", 10, command_key="propagate_supplier:S1:1:old"))

    decision = Decision({}, (), (Intent("propagate_supplier", new, "2:new"),))
    found = followed(decision, here.papers("supplier:S1"), here.world())

    assert found.state["postings"]["propagate_supplier:S1"]["steps"][0]["state"] == "asked"
    assert [one.system for one in plans_of(PLAN)["propagate_supplier"]] == ["erp", "portal", "warehouse"]
