"""JSON Schemas agree with the models: editors and the engine take the same files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from engine.channel.policies import PARTS
from engine.channel.yaml_source import read_yaml
from engine.cli.schema import NAMES, POLICIES, command, files_of
from engine.cli.schemas import FILES, schema
from engine.connectors.catalog import CATALOG


def test_every_policy_has_a_schema() -> None:
    assert set(PARTS) == set(POLICIES)


def _read(path: Path) -> Any:
    return read_yaml(path.read_text(), path.name).data


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid_and_takes_the_files_it_is_for(name: str, good_site: Path) -> None:
    made = schema(name)
    jsonschema.Draft7Validator.check_schema(made)
    validator = jsonschema.Draft7Validator(made)
    root = Path(__file__).parents[3] if name.startswith("policy_") else good_site  # policies: the shipped ones
    files = [p for p in root.glob(FILES[name]) if name != "channel" or ".cases" not in str(p)]

    assert files
    assert {str(path): [e.message for e in validator.iter_errors(_read(path))] for path in files} == {
        str(path): [] for path in files
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("charset: utf-8", "charsett: utf-8"),
        ("  listen: 127.0.0.1:6662", "  listens: 127.0.0.1:6662"),
        ("type: hl7v2_mllp\n  listen", "type: hl7\n  listen"),
        ("    address: 127.0.0.1:7001\n", ""),
        ("    order_by: PID-3.1", "    retry: {first: 5}"),
        ("    send: message", "    send: Requisitions"),
    ],
)
def test_the_channel_schema_refuses_what_the_engine_refuses(before: str, after: str, good_site: Path) -> None:
    path = good_site / "channels/supply/adt_relay.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))

    assert list(jsonschema.Draft7Validator(schema("channel")).iter_errors(_read(path)))


def test_every_key_of_every_connector_is_explained() -> None:
    definitions = schema("channel")["definitions"]
    unexplained = [
        f"{name}.{key}"
        for name, node in definitions.items()
        for key, field in node.get("properties", {}).items()
        if not field.get("description")
        and not definitions.get(field.get("$ref", "").rpartition("/")[2], {}).get("description")
    ]

    assert unexplained == []
    assert {f"source_{name}" for name in CATALOG.sources} <= set(definitions)
    assert {f"destination_{name}" for name in CATALOG.destinations} <= set(definitions)


def test_defaults_are_written_as_people_write_them() -> None:
    text = json.dumps(schema("channel"))

    assert '"PT' not in text
    assert '"15m"' in text


def test_write_makes_them_and_check_finds_a_stale_one(good_site: Path) -> None:
    run = CliRunner()
    assert run.invoke(command, ["--check", "--site", str(good_site)]).exit_code == 1

    assert run.invoke(command, ["--write", "--site", str(good_site)]).exit_code == 0

    assert {path for path in files_of() if (good_site / path).is_file()} == set(files_of())
    assert run.invoke(command, ["--check", "--site", str(good_site)]).exit_code == 0
    (good_site / "config/schema/channel.schema.json").write_text("{}")
    assert run.invoke(command, ["--check", "--site", str(good_site)]).exit_code == 1


def test_schemas_in_a_site_are_no_settings(good_site: Path) -> None:
    from engine.channel.load import load_site

    CliRunner().invoke(command, ["--write", "--site", str(good_site)])

    assert load_site(good_site).findings == ()
    shutil.rmtree(good_site / "config/schema")
