"""Cases beside the policies: the shipped ones hold, and what does not hold is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.channel.lint import lint
from engine.channel.load import load_site
from engine.channel.policies import PARTS
from engine.cli.test import command
from engine.cli.workspace import knowledge
from engine.procure.policy.cases import run_policy_cases

ROOT = Path(__file__).parents[3]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "config" / "policies", tmp_path / "config" / "policies")
    (tmp_path / "channels").mkdir()
    return tmp_path


def test_the_shipped_cases_hold() -> None:
    outcomes = list(run_policy_cases(ROOT, load_site(ROOT).policies))

    assert len(outcomes) >= 4
    assert [one for one in outcomes if not one.passed] == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("state: approved", "state: waiting", 'state: expected "waiting", got "approved"'),
        ("findings: []", "findings: [{type: approval_wanted}]", "findings"),
        (
            "dossier: approval:A-3\ndocuments",
            "dosier: x\ndocuments",
            "yaml:3:1: C001 unknown setting 'dosier'; did you mean 'dossier'?",
        ),
        ("kind: Approval\n", "kind: Aproval\n", "a document needs kind:"),
        ('amount: "500.00"', "amount: 500.00", "not exact"),
        ("about:", "about: [", "not YAML"),
    ],
)
def test_a_case_that_does_not_hold_says_what_differs(site: Path, before: str, after: str, told: str) -> None:
    path = site / "config/policies/approvals.cases/small_supplies_go_through.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))

    (failed,) = [one for one in run_policy_cases(site, load_site(site).policies) if not one.passed]

    assert told in " ".join([failed.problem or "", *failed.differences])


def test_a_policy_that_changes_fails_its_cases(site: Path) -> None:
    path = site / "config/policies/approvals.yaml"
    path.write_text(path.read_text().replace("up_to: 500 ", "up_to: 400 ").replace("above: 500", "above: 400"))

    told = CliRunner().invoke(command, [str(site / "config/policies"), "--json"])

    assert told.exit_code == 1
    assert [one["case"] for one in json.loads(told.output) if not one["passed"]] == ["small_supplies_go_through"]


def test_while_a_policy_has_a_mistake_no_case_tells_what_the_policies_decide(site: Path) -> None:
    path = site / "config/policies/approvals.yaml"
    path.write_text(path.read_text().replace("up_to: 500 ", "up_too: 500 "))

    told = CliRunner().invoke(command, [str(site / "config/policies/people.cases")])

    assert told.exit_code == 1
    assert "ok " not in told.output
    assert "a mistake: config/policies/approvals.yaml:6:5: C001 unknown setting 'up_too'" in told.output


def test_cases_of_a_policy_that_there_is_not_are_told(site: Path) -> None:
    (site / "config/policies/people.cases").rename(site / "config/policies/peopl.cases")

    (found,) = lint(load_site(site), knowledge())

    assert (found.file, found.code, found.suggestion) == (
        "config/policies/peopl.cases", "C104", "did you mean 'people'?"
    )  # fmt: skip


def test_every_part_of_the_policies_has_cases() -> None:
    folders = {path.parent.name.removesuffix(".cases") for path in (ROOT / "config/policies").glob("*.cases/*.yaml")}

    assert folders == set(PARTS)


@pytest.mark.parametrize(
    ("part", "before", "after", "case"),
    [
        ("tolerances", 'upper: {absolute: "5.00", percent: 2}', 'upper: {absolute: "5.01", percent: 2}', "prices_at"),
        ("tolerances", 'upper: {absolute: "25.00"}', 'upper: {absolute: "24.99"}', "tax_freight"),
        ("tolerances", 'upper: {absolute: "50.00", percent: 3}', 'upper: {absolute: "50.00", percent: 4}', "sums_at"),
        ("matching", "near_percent: 1", "near_percent: 2", "likeness"),
        ("matching", "ways: 4", "ways: 3", "ways_by"),
        ("exceptions", "above: 10000", "above: 9999", "who_decides"),
        ("exceptions", "discount: 300", "discount: 299", "what_comes_first"),
        ("exceptions", "{to: purchasing-manager, within: 1 business day}, {to: controller, within: 2",
         "{to: purchasing-manager, within: 2 business days}, {to: controller, within: 2", "what_is_overdue"),
        ("calendars", "2026-11-26: Thanksgiving", "2026-11-24: Thanksgiving", "holidays"),
        ("calendars", "closed_through: 2026-09-30", "closed_through: 2026-09-29", "closed_months"),
        ("milestones", "milestone: charge_to_erp, within: 15m", "milestone: charge_to_erp, within: 16m", "kept_on"),
        ("usage", "charge_window_hours: 24", "charge_window_hours: 25", "charged_too_late"),
        ("usage", "patience_hours: 72", "patience_hours: 73", "asked_for"),
        ("people", "head: a.quist", "head: e.marsh", "the_head"),
        ("currencies", 'worth: "1.0850"', 'worth: "1.0500"', "euros_by"),
        ("records", "owner: [supplier_desk]", "owner: [supplier_desk, vendor_portal]", "bank_accounts"),
    ],
)  # fmt: skip
def test_a_limit_that_moves_by_the_least_fails_the_case_at_its_edge(
    site: Path, part: str, before: str, after: str, case: str
) -> None:
    path = site / f"config/policies/{part}.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))

    failed = [one.name for one in run_policy_cases(site, load_site(site).policies) if not one.passed]

    assert any(name.startswith(f"{part}/{case}") for name in failed)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        ("{expect: {within: true}}", "give one of figure, ways"),
        ("{figure: {rule: price, expected: 1, actual: 1}, ways: {}, expect: {ways: 3}}", "give one of figure, ways"),
        ("{figure: {rule: price, expected: 1, actual: 1}, expect: {}}", "at least 1"),
        ("{exception: {type: price_abuv}, expect: {owner: buyer}}", "no exception is called 'price_abuv'"),
        ("{write: {system: erp, document: {kind: Nothing}}, expect: {taken: true}}", "a document needs kind:"),
    ],
)
def test_a_question_that_makes_no_sense_is_told(site: Path, ask: str, told: str) -> None:
    (site / "config/policies/matching.cases/mine.yaml").write_text(f"at: 2026-11-23T14:00:00Z\nask:\n  - {ask}\n")

    (failed,) = [one for one in run_policy_cases(site, load_site(site).policies) if not one.passed]

    assert told in (failed.problem or "")


def test_a_case_that_asks_nothing_is_none(site: Path) -> None:
    (site / "config/policies/matching.cases/mine.yaml").write_text("at: 2026-11-23T14:00:00Z\n")

    (failed,) = [one for one in run_policy_cases(site, load_site(site).policies) if not one.passed]

    assert "or ask" in (failed.problem or "")
