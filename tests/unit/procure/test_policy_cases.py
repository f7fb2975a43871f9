"""Cases beside the policies: the shipped ones hold, and what does not hold is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.channel.load import load_site
from engine.cli.test import command
from engine.procure.policy_cases import run_policy_cases

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
        ("dossier: approval:A-3\ndocuments", "dosier: x\ndocuments", "dossier: Field required"),
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
