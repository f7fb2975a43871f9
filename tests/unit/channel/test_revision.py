"""A revision is complete in itself; the same settings are the same revision."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.channel.diff import channel_diff
from engine.channel.load import load_site
from engine.channel.revision import Revision, layouts_of, model_of, program, program_of, revision_of
from engine.channel.site import Site
from engine.connectors.catalog import CATALOG
from engine.core.errors import ConfigurationError
from engine.ports.journal import RevisionRow
from engine.ports.operations import ChannelDiff

GOOD = Path(__file__).parents[2] / "contract/lint_mistakes/site"
CHANNEL = "channels/supply/stock_requisition.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOOD, tmp_path / "site"))


def _revision(root: Path, name: str = "stock_requisition") -> Revision:
    site = load_site(root)
    return revision_of(site.channels[name], site, CATALOG)


def _edit(root: Path, path: str, before: str, after: str) -> None:
    text = (root / path).read_text()
    assert before in text
    (root / path).write_text(text.replace(before, after, 1))


def _row(revision: Revision) -> RevisionRow:
    return RevisionRow(revision.channel, 7, revision.digest, revision.content, datetime.now(UTC), "me", None, True)


def _diff(root: Path, active: Revision | None) -> ChannelDiff:
    return channel_diff("stock_requisition", load_site(root), _row(active) if active else None, CATALOG)


def test_remarks_and_the_order_of_keys_make_no_revision(root: Path) -> None:
    before = _revision(root)
    _edit(root, CHANNEL, "version: 1\n", "")
    _edit(root, CHANNEL, "zone: America/Chicago\n", "# a remark\nzone: America/Chicago\nversion: 1\n")

    assert _revision(root).digest == before.digest


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (CHANNEL, "first: 5s", "first: 6s"),
        ("transforms/stock_requisition.py", '"EA"', '"BX"'),
        ("config/crosswalks/item_codes.csv", "M10001", "M10009"),
    ],
)
def test_settings_script_and_lookups_each_make_a_revision(root: Path, path: str, before: str, after: str) -> None:
    old = _revision(root)
    _edit(root, path, before, after)

    assert _revision(root).digest != old.digest


def test_a_stored_revision_needs_no_file_of_the_site(root: Path) -> None:
    revision = _revision(root)
    expected = program(load_site(root).channels["stock_requisition"], load_site(root), 3, CATALOG)
    shutil.rmtree(root)

    restored = program_of(revision.content, 3)

    assert restored == expected
    assert restored.key == "stock_requisition@3"
    assert restored.script is not None
    assert restored.lookups == {"items": {"OR-TRO-12": "M10001", "OR-TRO-05": "M10002"}}
    assert model_of(revision.content).destinations[0].retry.first.total_seconds() == 5


def test_standby_destinations_get_nothing_from_the_transform(root: Path) -> None:
    assert set(program_of(_revision(root).content, 1).destinations) == {"erp"}


def test_the_format_is_the_source_connectors_unless_the_channel_says(root: Path) -> None:
    assert program_of(_revision(root).content, 1).format == "hl7v2"
    assert program_of(_revision(root, "supplier_invoice").content, 1).format == "x12"


@pytest.mark.parametrize("gone", ["transforms/stock_requisition.py", "config/crosswalks/item_codes.csv"])
def test_a_channel_without_its_script_or_lookup_is_no_revision(root: Path, gone: str) -> None:
    (root / gone).unlink()

    with pytest.raises(ConfigurationError, match="missing"):
        _revision(root)


def test_no_secret_is_in_a_revision(root: Path) -> None:
    content = json.loads(_revision(root, "supplier_onboarding").content)

    assert content["channel"]["source"]["settings"]["token"] == "env:PORTAL_TOKEN"


def test_diff_of_the_same_is_the_same(root: Path) -> None:
    assert _diff(root, _revision(root)).change == "same"


def test_diff_says_what_a_change_of_address_does(root: Path) -> None:
    active = _revision(root)
    _edit(root, CHANNEL, "127.0.0.1:6661", "127.0.0.1:6671")

    diff = _diff(root, active)

    assert diff.change == "changed"
    assert diff.effects[0] == "the source restarts: listen from '127.0.0.1:6661' to '127.0.0.1:6671'"
    assert any(line.startswith("+") and "6671" in line for line in diff.lines)


def test_diff_counts_lines_of_scripts_and_rows_of_lookups(root: Path) -> None:
    active = _revision(root)
    _edit(root, "transforms/stock_requisition.py", '"EA"', '"BX"')
    _edit(root, "config/crosswalks/item_codes.csv", "M10001", "M10009")

    effects = _diff(root, active).effects

    assert "the transform script changed: 2 lines" in effects
    assert "lookups changed: items (1 row)" in effects


def test_diff_names_destinations_that_come_and_go(root: Path) -> None:
    active = _revision(root)
    _edit(root, CHANNEL, "    fallback: archive\n", "")
    _edit(root, CHANNEL, "  - name: archive\n", "  - name: shelf\n")

    effects = _diff(root, active).effects

    assert "destination shelf is added" in effects
    assert any(effect.startswith("destination archive is removed") for effect in effects)


def test_diff_of_a_channel_that_is_new_or_gone(root: Path) -> None:
    active = _revision(root)
    assert _diff(root, None).change == "new"

    (root / CHANNEL).unlink()

    assert _diff(root, active).change == "removed"


def test_a_channel_whose_file_has_a_mistake_is_not_called_removed(root: Path) -> None:
    active = _revision(root)
    _edit(root, CHANNEL, "version:", "versoin:")

    found = _diff(root, active)

    assert found.change == "unreadable"
    assert CHANNEL in found.effects[0]
    assert "'version' is missing" in found.effects[0]


def test_a_layout_is_part_of_the_revisions_of_channels_that_name_it(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "contract/lint_mistakes/site", tmp_path / "site")
    file = tmp_path / "site/config/layouts/prices.yaml"
    before = load_site(tmp_path / "site")
    file.write_text(file.read_text().replace("scale: 2", "scale: 3"))
    after = load_site(tmp_path / "site")

    def digest(site: Site, name: str) -> str:
        return revision_of(site.channels[name], site).digest

    assert digest(before, "price_list") != digest(after, "price_list")
    assert digest(before, "adt_relay") == digest(after, "adt_relay")
    content = revision_of(after.channels["price_list"], after).content
    assert program_of(content, 1).layout == layouts_of(content)["prices"]
    missing = replace(after, layouts={})
    with pytest.raises(ConfigurationError):
        revision_of(missing.channels["price_list"], missing)
