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
GOOD = [(one.name, one.variants[0].name) for one in SCENARIOS.values()]
ALL = [(one.name, variant.name) for one in SCENARIOS.values() for variant in one.variants]
Played = dict[tuple[str, str], dict[str, Any]]


def _play(directory: Path, *options: str) -> Played:
    asked = ["--scenario", "all", "--json", "--directory", str(directory), *options]
    done = subprocess.run([*DEMO, *asked], cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    assert done.stdout, done.stderr
    courses = json.loads(done.stdout)
    assert done.returncode == (0 if all(one["agrees"] for one in courses) else 1)
    return {(one["scenario"], one["variant"]): one for one in courses}


@pytest.fixture(scope="module")
def good_ones(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return _play(tmp_path_factory.mktemp("g"), "--variant", "first")


@pytest.fixture(scope="module")
def every_one(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return _play(tmp_path_factory.mktemp("s"))


@pytest.mark.parametrize(("scenario", "variant"), GOOD)
def test_the_good_course_is_as_it_should_be(good_ones: Played, scenario: str, variant: str) -> None:
    _agrees(good_ones[scenario, variant])


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "variant"), ALL)
def test_all_that_is_seen_is_as_it_should_be(every_one: Played, scenario: str, variant: str) -> None:
    _agrees(every_one[scenario, variant])


def _agrees(course: dict[str, Any]) -> None:
    assert [line for line in course["lines"] if not line["agrees"]] == []
    assert any(line["wanted"] is not None for line in course["lines"])
