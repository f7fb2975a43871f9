"""`isthmus demo --scenario` as a user runs it: every course of every scenario, on one ERP and one engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.cli.demo.scenarios.catalog import SCENARIOS

pytestmark = [pytest.mark.erp, pytest.mark.integration]

DEMO = [sys.executable, "-m", "engine.cli.main", "demo"]
ROOT = Path(__file__).resolve().parents[2]
COURSES = [(one.name, variant.name) for one in SCENARIOS.values() for variant in one.variants]
Played = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    directory = tmp_path_factory.mktemp("s")
    options = ["--scenario", "all", "--json", "--directory", str(directory)]
    done = subprocess.run([*DEMO, *options], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout, done.stderr
    courses = json.loads(done.stdout)
    assert done.returncode == (0 if all(one["agrees"] for one in courses) else 1)
    return {(one["scenario"], one["variant"]): one for one in courses}


@pytest.mark.parametrize(("scenario", "variant"), COURSES)
def test_all_that_is_seen_is_as_it_should_be(played: Played, scenario: str, variant: str) -> None:
    course = played[scenario, variant]

    assert [line for line in course["lines"] if not line["agrees"]] == []
    assert any(line["wanted"] is not None for line in course["lines"])
