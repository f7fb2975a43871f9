"""ERP connections by name: one adapter each, and words for what is wrong with a connection."""

from __future__ import annotations

from typing import Any

import pytest

from engine.adapters.catalog import ADAPTERS, AdapterPool
from engine.core.errors import ConfigurationError, SecretMissingError
from tests.support.connector_doubles import Secrets

FINANCE: dict[str, Any] = {"type": "tryton", "url": "http://127.0.0.1:1", "database": "erp", "key": "env:ERP_KEY"}


def pool(connection: dict[str, Any] = FINANCE) -> AdapterPool:
    return AdapterPool({"finance": connection}, Secrets({"env:ERP_KEY": "CANARY"}))


async def test_all_channels_share_the_adapter_of_a_connection() -> None:
    adapters = pool()

    assert adapters.adapter("finance") is adapters.adapter("finance")
    await adapters.close()


def test_unknown_connection_is_named_with_those_that_exist() -> None:
    with pytest.raises(ConfigurationError, match="finance"):
        pool().adapter("fnance")


def test_connection_of_another_type_is_no_erp() -> None:
    with pytest.raises(ConfigurationError, match="tryton"):
        pool({"type": "sftp"}).adapter("finance")


def test_key_in_clear_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError, match="key") as caught:
        pool({**FINANCE, "key": "CANARY-7f3a"}).adapter("finance")

    assert "CANARY" not in str(caught.value)


def test_missing_secret_is_named() -> None:
    with pytest.raises(SecretMissingError, match="env:OTHER"):
        pool({**FINANCE, "key": "env:OTHER"}).adapter("finance")


def test_every_setting_of_a_connection_is_described() -> None:
    for kind in ADAPTERS.values():
        fields = kind.load().model_fields
        assert [n for n, f in fields.items() if not f.description and n not in ("type", "database")] == []
