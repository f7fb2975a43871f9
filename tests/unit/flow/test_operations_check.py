"""`check` leaves out nothing that is not well: a source that could not start, a certificate that has expired."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.core.errors import NotFoundError
from engine.flow.certificates import CertificateWatch
from engine.flow.operations import EngineOperations
from engine.ports.connector import Health

NOW = datetime(2026, 11, 20, tzinfo=UTC)
MISSING = "C900 env:DOCK_TOKEN: the secret is not in the environment"


async def _well() -> Health:
    return Health(True, "here")


def _run(state: str, source: object | None, last_error: str | None = None) -> Any:
    return SimpleNamespace(
        state=state, source=source, meter=SimpleNamespace(last_error=last_error), destinations={}, model=None
    )


@pytest.fixture
def operations(tmp_path: Path) -> EngineOperations:
    runs = {
        "receipts": _run("failed", None, MISSING),
        "orders": _run("running", SimpleNamespace(check=_well)),
        "stopped": _run("stopped", None),
    }
    parts: Any = SimpleNamespace(runs=runs, now=lambda: NOW, partners={})
    made = EngineOperations(tmp_path, parts, parts, parts, parts, parts, parts, parts, "SQLite")
    left = {"receipts.pem": 90, "orders.pem": -2, "console.pem": 400}
    places = [("receipts", "receipts.pem"), ("orders.erp", "orders.pem"), ("console", "console.pem")]
    made.certificates = CertificateWatch(tmp_path, lambda: places, lambda path, now: left[path.name], lambda *_: None)
    return made


async def test_a_source_that_could_not_start_is_told_with_its_reason(operations: EngineOperations) -> None:
    found = await operations.check()

    assert found["receipts.source"] == Health(False, MISSING)
    assert found["orders.source"].ok
    assert "stopped.source" not in found, "somebody stopped it: nothing is wrong"


async def test_a_channel_that_is_misspelt_is_told_with_the_nearest(operations: EngineOperations) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'orders'"):
        await operations.check("order")
    with pytest.raises(NotFoundError, match="isthmus status"):
        await operations.check("xyz")


async def test_certificates_are_told_with_the_channel_that_uses_them(operations: EngineOperations) -> None:
    assert {name for name in await operations.check() if name.endswith(".certificate")} == {
        "console.certificate",
        "orders.erp.certificate",
        "receipts.certificate",
    }
    found = await operations.check("orders")
    assert sorted(found) == ["orders.erp.certificate", "orders.source"]
    assert not found["orders.erp.certificate"].ok
