"""`isthmus lint`: what it prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from engine.cli.lint import command


def _break(site: Path) -> None:
    path = site / "channels/supply/adt_relay.yaml"
    path.write_text(path.read_text().replace("charset:", "charsett:"))


def test_a_good_site_ends_with_0(good_site: Path) -> None:
    run = CliRunner().invoke(command, [str(good_site)])

    assert run.exit_code == 0
    assert "no mistakes found" in run.output


def test_findings_end_with_1_and_have_place_code_and_suggestion(good_site: Path) -> None:
    _break(good_site)

    run = CliRunner().invoke(command, [str(good_site)])

    assert run.exit_code == 1
    line = "channels/supply/adt_relay.yaml:9:1: C001 unknown setting 'charsett'; did you mean 'charset'?"
    assert line in run.output


def test_json_is_data_and_nothing_else(good_site: Path) -> None:
    _break(good_site)

    found = json.loads(CliRunner().invoke(command, [str(good_site), "--json"]).stdout)

    assert [(f["code"], f["line"], f["column"], f["severity"]) for f in found] == [("C001", 9, 1, "error")]


def test_a_path_chooses_what_is_shown(good_site: Path) -> None:
    _break(good_site)

    assert CliRunner().invoke(command, [str(good_site / "channels/money")]).exit_code == 0
    assert CliRunner().invoke(command, [str(good_site / "channels/supply/adt_relay.yaml")]).exit_code == 1


def test_a_place_without_a_site_is_wrong_usage(tmp_path: Path) -> None:
    run = CliRunner().invoke(command, [str(tmp_path)])

    assert run.exit_code == 2
    assert "isthmus new" in run.output
