"""A site loads as far as it can; what does not fit gives findings, and the rest is there."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from engine.channel.load import load_site

GOOD = Path(__file__).parents[2] / "contract/lint_mistakes/site"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOOD, tmp_path / "site"))


def test_a_site_loads_whole(root: Path) -> None:
    site = load_site(root)

    assert sorted(site.channels) == [
        "adt_relay",
        "price_list",
        "stock_requisition",
        "supplier_invoice",
        "supplier_onboarding",
    ]
    assert sorted(site.scripts) == ["stock_requisition", "supplier_invoice"]
    assert site.crosswalks == {"item_codes": {"OR-TRO-12": "M10001", "OR-TRO-05": "M10002"}}
    assert site.connections["finance"]["key"] == "env:ERP_KEY"
    assert site.partners["alderbrook"].acknowledge_within == timedelta(hours=4)
    assert site.engine.retention.messages == timedelta(days=90)
    assert site.findings == ()


def test_settings_of_connectors_are_kept_apart_from_those_of_channels(root: Path) -> None:
    erp = load_site(root).channels["stock_requisition"].destinations[0]

    assert erp.settings == {"connection": "finance"}
    assert erp.order_by == "requisition_number"


def test_a_broken_channel_leaves_the_others(root: Path) -> None:
    (root / "channels/supply/adt_relay.yaml").write_text("channel: [")

    site = load_site(root)

    assert "adt_relay" not in site.channels
    assert len(site.channels) == 4
    assert [(f.file, f.code) for f in site.errors] == [("channels/supply/adt_relay.yaml", "C010")]


def test_an_empty_folder_is_a_site_with_defaults(tmp_path: Path) -> None:
    site = load_site(tmp_path)

    assert site.channels == {}
    assert site.engine.console.listen == "127.0.0.1:8080"
    assert site.findings == ()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        load_site(tmp_path / "nowhere")


def test_the_second_of_two_channels_of_one_name_is_the_wrong_one(root: Path) -> None:
    text = (root / "channels/supply/adt_relay.yaml").read_text()
    (root / "channels/zz.yaml").write_text(text)

    site = load_site(root)

    assert [(f.file, f.code) for f in site.findings] == [("channels/zz.yaml", "C021")]
    assert site.file_of("adt_relay").path == "channels/supply/adt_relay.yaml"


def test_bytes_that_are_not_text_are_a_finding(root: Path) -> None:
    (root / "channels/supply/adt_relay.yaml").write_bytes(b"title: \xff\xfe")

    assert [(f.code, f.file) for f in load_site(root).findings] == [("C016", "channels/supply/adt_relay.yaml")]


def test_a_crosswalk_keeps_leading_zeros_and_quoted_commas(root: Path) -> None:
    (root / "config/crosswalks/item_codes.csv").write_text('from,to\n# remark\n007,"a, b"\n')

    assert load_site(root).crosswalks["item_codes"] == {"007": "a, b"}


def test_two_crosswalks_of_one_name_are_a_finding(root: Path) -> None:
    (root / "config/crosswalks/item_codes.yaml").write_text("a: b\n")

    assert [(f.code, f.file) for f in load_site(root).findings] == [("C046", "config/crosswalks/item_codes.yaml")]


def test_a_link_out_of_the_site_is_not_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("def transform(message):\n    return message\n")
    (root / "transforms/linked.py").symlink_to(outside)
    (root / "transforms/inside.py").symlink_to(root / "transforms/supplier_invoice.py")

    site = load_site(root)

    assert [(f.code, f.file) for f in site.findings] == [("C093", "transforms/linked.py")]
    assert "linked" not in site.scripts
    assert "inside" in site.scripts


def test_cases_are_not_channels(root: Path) -> None:
    assert all(".cases" not in file.path for file in load_site(root).files)


def test_what_pydantic_says_never_shows_the_value(root: Path) -> None:
    path = root / "config/connections.yaml"
    path.write_text(path.read_text().replace("env:ERP_KEY", "CANARY-4711"))
    channel = root / "channels/supply/adt_relay.yaml"
    channel.write_text(channel.read_text().replace("version: 1", "version: CANARY-4711"))

    shown = "\n".join(map(str, load_site(root).findings))

    assert "version" in shown
    assert "CANARY" not in shown


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_a_crosswalk_may_have_any_line_ends(root: Path, ends: str) -> None:
    (root / "config/crosswalks/item_codes.csv").write_bytes(f"from,to{ends}a,b{ends}".encode())

    assert load_site(root).crosswalks["item_codes"] == {"a": "b"}


def test_a_crosswalk_with_a_quote_left_open_is_a_finding_and_the_rows_before_are_there(root: Path) -> None:
    (root / "config/crosswalks/item_codes.csv").write_text('from,to\na,b\nc,"d\n')

    site = load_site(root)

    assert [finding.code for finding in site.findings] == ["C042"]
    assert site.crosswalks["item_codes"] == {"a": "b"}
