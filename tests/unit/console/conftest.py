from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store.accounts import SqlAccounts
from tests.support.people import make_accounts


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[SqlAccounts]:
    made = make_accounts(tmp_path)
    yield made
    made.close()
