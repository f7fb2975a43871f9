"""A copy of the good site, with its cases."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

GOOD = Path(__file__).parents[2] / "contract/lint_mistakes/site"


@pytest.fixture
def good_site(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOOD, tmp_path / "good"))
