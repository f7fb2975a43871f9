"""The catalog lists every connector, imports it only when used, and takes those of others without letting them harm."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
from pydantic import BaseModel

from engine.connectors.catalog import BUILT_IN, CATALOG, load_catalog
from engine.connectors.plugins import GROUP
from engine.core.errors import ConfigurationError
from engine.ports.catalog import ConnectorType


class Nothing(BaseModel):
    pass


PLUGIN = ConnectorType("pigeon", "destination", "Carrier pigeons", lambda: Nothing, lambda settings, context: None)  # type: ignore[arg-type,return-value]
USURPER = ConnectorType("http", "source", "not ours", lambda: Nothing, lambda settings, context: None)  # type: ignore[arg-type,return-value]
NOT_A_TYPE = "text"


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, GROUP)


@pytest.mark.parametrize("one", BUILT_IN, ids=lambda one: f"{one.direction}-{one.name}")
def test_each_entry_loads_its_settings_and_says_what_it_is(one: ConnectorType) -> None:
    assert issubclass(one.load(), BaseModel)
    assert one.load().model_config.get("hide_input_in_errors")
    assert one.load().model_config.get("extra") == "forbid"
    assert one.title


def test_first_doors_are_listed() -> None:
    assert set(CATALOG.sources) >= {"hl7v2_mllp", "file", "http", "channel", "schedule", "erp_orders"}
    assert set(CATALOG.destinations) >= {"hl7v2_mllp", "file", "http", "channel", "erp"}


def test_listing_imports_no_connector() -> None:
    script = "import sys, engine.connectors.catalog; print([m for m in sys.modules if m in ('aiohttp', 'apscheduler')])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_connector_of_others_is_listed() -> None:
    catalog = load_catalog([entry("pigeon", f"{__name__}:PLUGIN")])

    assert catalog.destinations["pigeon"].title == "Carrier pigeons"
    assert "http" in catalog.destinations


def test_connector_of_others_does_not_replace_ours() -> None:
    catalog = load_catalog([entry("http", f"{__name__}:USURPER")])

    assert catalog.sources["http"].title != "not ours"


@pytest.mark.parametrize("value", ["no.such.module:X", f"{__name__}:MISSING", f"{__name__}:NOT_A_TYPE"])
def test_broken_connector_of_others_says_so_when_it_is_used(value: str) -> None:
    catalog = load_catalog([entry("broken", value)])
    with pytest.raises(ConfigurationError, match="cannot be used"):
        catalog.sources["broken"].load()
