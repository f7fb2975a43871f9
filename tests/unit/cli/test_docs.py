"""Reference pages are made from the code, and say when they are stale."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from engine.channel.codes import CODES
from engine.channel.policies import PARTS
from engine.cli.contracts import breaks
from engine.cli.docs import command
from engine.cli.main import COMMANDS
from engine.cli.reference import pages
from engine.connectors.catalog import CATALOG
from engine.ports.states import MessageState


def test_every_connector_code_state_and_command_is_there() -> None:
    made = pages()

    for name in CATALOG.sources:
        assert f"## source `{name}`" in made["connectors.md"]
    for name in CATALOG.destinations:
        assert f"## destination `{name}`" in made["connectors.md"]
    for code in CODES:
        assert f"| `{code}` |" in made["lint.md"]
    for state in MessageState:
        assert state.name in made["states.md"]
    for name in COMMANDS:
        assert f"## `isthmus {name}`" in made["commands.md"]


def test_pages_are_the_same_each_time() -> None:
    assert pages() == pages()


def test_every_link_between_pages_leads_somewhere() -> None:
    made = pages()
    targets = [part.split(")")[0] for part in made["index.md"].split("](")[1:]]

    assert set(targets) == set(made) - {"index.md"}


def test_check_tells_a_stale_page_and_an_old_one(tmp_path: Path) -> None:
    run = CliRunner()
    assert run.invoke(command, ["--directory", str(tmp_path)]).exit_code == 0
    assert run.invoke(command, ["--directory", str(tmp_path), "--check"]).exit_code == 0

    (tmp_path / "lint.md").write_text("old")
    stale = run.invoke(command, ["--directory", str(tmp_path), "--check"])
    run.invoke(command, ["--directory", str(tmp_path)])
    (tmp_path / "gone.md").write_text("old")
    old = run.invoke(command, ["--directory", str(tmp_path), "--check"])

    assert (stale.exit_code, old.exit_code) == (1, 1)
    assert "lint.md" in stale.output
    assert "no longer generated" in old.output


def test_a_contract_that_breaks_its_readers_is_refused_until_its_version_is_raised(tmp_path: Path) -> None:
    run = CliRunner()
    run.invoke(command, ["--directory", str(tmp_path)])
    path = tmp_path / "contracts/Supplier.schema.json"
    kept = json.loads(path.read_text())
    kept["properties"]["legacy_number"] = {"type": "string"}
    path.write_text(json.dumps(kept))

    refused = run.invoke(command, ["--directory", str(tmp_path)])
    kept["version"] = "0.9"
    path.write_text(json.dumps(kept))
    taken = run.invoke(command, ["--directory", str(tmp_path)])

    assert refused.exit_code == 1
    assert "breaks its readers: Supplier 1.1: legacy_number: it is gone" in refused.output
    assert taken.exit_code == 0


def test_no_contract_of_today_breaks_the_readers_of_the_kept_ones() -> None:
    assert breaks(Path(__file__).parents[3] / "docs/reference") == []


def test_every_group_of_a_page_that_is_linked_to_stands_on_it() -> None:
    made = pages()
    headings = {name: set(re.findall(r"^### (\w+)$", text, re.MULTILINE)) for name, text in made.items()}
    wanted = {name: set(re.findall(r"\[(\w+)\]\(#\w+\)", text)) for name, text in made.items()}

    assert {name: wanted[name] - headings[name] for name in made if wanted[name] - headings[name]} == {}


def test_every_policy_has_its_keys_on_the_page() -> None:
    page = pages()["policies.md"]

    assert [part for part in PARTS if f"## `config/policies/{part}.yaml`" not in page] == []
    assert "| `four_eyes_above` |" in page
