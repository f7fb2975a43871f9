"""`isthmus test`: the cases run through the code of the workers."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from engine.cli.test import command

CASE = "channels/supply/stock_requisition.cases/one"


def test_cases_that_hold_end_with_0(good_site: Path) -> None:
    run = CliRunner().invoke(command, [str(good_site)])

    assert run.exit_code == 0, run.output
    assert "5 cases, 0 failed" in run.output


def test_a_case_that_does_not_hold_ends_with_1_and_tells_the_difference(good_site: Path) -> None:
    crosswalk = good_site / "config/crosswalks/item_codes.csv"
    crosswalk.write_text(crosswalk.read_text().replace("M10001", "M19999"))

    run = CliRunner().invoke(command, [str(good_site / CASE)])

    assert run.exit_code == 1
    assert 'documents[1].lines[1].item_number: expected "M10001", got "M19999"' in run.output


def test_update_writes_what_came_out(good_site: Path) -> None:
    (good_site / CASE / "expect.yaml").unlink()

    updated = CliRunner().invoke(command, [str(good_site), "--update"])

    assert updated.exit_code == 0
    assert f"written: {CASE}/expect.yaml" in updated.output
    assert CliRunner().invoke(command, [str(good_site)]).exit_code == 0


def test_a_message_of_another_type_is_refused_as_at_the_door(good_site: Path) -> None:
    message = good_site / CASE / "input.hl7"
    message.write_text(message.read_text().replace("OMS^O05", "ADT^A01"))

    outcome = json.loads(CliRunner().invoke(command, [str(good_site / CASE), "--json"]).stdout)[0]

    assert (outcome["state"], outcome["passed"]) == ("REFUSED", False)
    assert "M006" in outcome["differences"][0]


def test_a_channel_without_its_script_is_held_not_passed_through(good_site: Path) -> None:
    (good_site / "transforms/stock_requisition.py").unlink()

    outcome = json.loads(CliRunner().invoke(command, [str(good_site / CASE), "--json"]).stdout)[0]

    assert outcome["state"] == "HELD"


def test_nothing_to_test_is_not_a_success(good_site: Path) -> None:
    assert CliRunner().invoke(command, [str(good_site / "config")]).exit_code == 1
