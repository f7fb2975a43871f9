"""What lint allows, repeats and looks up. The mistakes themselves: tests/contract/test_lint_mistakes.py."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.channel.codes import CODES
from engine.channel.finding import Finding, errors_among
from engine.channel.hl7_tables import is_message_type, segment_lengths
from engine.channel.lint import lint
from engine.channel.lints.addresses import clash, is_loopback, split_listen
from engine.channel.load import load_site
from engine.cli.workspace import knowledge

GOOD = Path(__file__).parents[2] / "contract/lint_mistakes/site"
RELAY = "channels/supply/adt_relay.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOOD, tmp_path / "site"))


def _codes(root: Path) -> list[str]:
    return [finding.code for finding in lint(load_site(root), knowledge())]


def _open_listener(root: Path, remark: str = "", above: str = "") -> None:
    text = (root / RELAY).read_text()
    (root / RELAY).write_text(text.replace("  listen: 127.0.0.1:6662", f"{above}  listen: 0.0.0.0:6662{remark}"))


def test_a_finding_is_allowed_by_a_remark_with_its_code_and_a_reason(root: Path) -> None:
    _open_listener(root, "  # lint: allow C091 the network is the hospital's own")

    assert _codes(root) == []


def test_a_remark_may_stand_in_the_line_above(root: Path) -> None:
    _open_listener(root, above="  # lint: allow C091 the network is the hospital's own\n")

    assert _codes(root) == []


@pytest.mark.parametrize("remark", ["  # lint: allow C091", "  # lint: allow C090 wrong code", "  # lint: allow all"])
def test_a_remark_without_code_or_reason_allows_nothing(root: Path, remark: str) -> None:
    _open_listener(root, remark)

    assert _codes(root) == ["C091"]


def test_a_secret_in_clear_is_told_once(root: Path) -> None:
    path = root / "channels/money/supplier_onboarding.yaml"
    path.write_text(path.read_text().replace("env:PORTAL_TOKEN", "clear-text"))

    assert _codes(root) == ["C090"]


def test_tls_makes_an_open_listener_good(root: Path) -> None:
    _open_listener(root, "\n  tls: {certificate: tls/a.pem, key: tls/a.key}")

    assert _codes(root) == []


def test_a_disabled_channel_takes_no_port(root: Path) -> None:
    path = root / "channels/supply/stock_requisition.yaml"
    text = path.read_text().replace("6661", "6662").replace("version: 1", "version: 1\nenabled: false", 1)
    path.write_text(text)

    assert _codes(root) == []


def test_a_finding_is_shown_as_compilers_do() -> None:
    finding = Finding("a.yaml", 3, 5, "C001", "unknown setting 'retrys'", "did you mean 'retry'?")

    assert str(finding) == "a.yaml:3:5: C001 unknown setting 'retrys'; did you mean 'retry'?"


def test_warnings_keep_no_channel_from_running() -> None:
    warning, error = Finding("a", 1, 1, "C100", "x"), Finding("a", 1, 1, "C001", "x")

    assert errors_among([warning, error]) == [error]


def test_every_code_has_words_and_there_are_more_than_forty() -> None:
    assert len(CODES) >= 40
    assert all(code.title and code.explanation.endswith((".", "`")) for code in CODES.values())


@pytest.mark.parametrize(
    ("message_type", "possible"),
    [
        ("ADT^A01", True),
        ("ADT^A08", True),  # shares the structure of A01
        ("MFN^M16", True),
        ("ZXX^Z01", True),
        ("ADT^ZPV", True),
        ("ACK", True),
        ("ADT^O05", False),
        ("ADT^A99", False),
        ("XYZ^A01", False),
    ],
)
def test_message_types_that_hl7_defines(message_type: str, possible: bool) -> None:
    assert is_message_type(message_type) is possible


def test_lengths_come_from_the_standards_tables() -> None:
    assert (segment_lengths()["RQD"], segment_lengths()["FT1"]) == (10, 43)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("127.0.0.1:80", "localhost:80", True),
        ("0.0.0.0:80", "10.0.0.1:80", True),
        ("127.0.0.1:80", "10.0.0.1:80", False),
        ("127.0.0.1:80", "127.0.0.1:81", False),
        ("127.0.0.1:0", "127.0.0.1:0", False),
        ("nonsense", "127.0.0.1:80", False),
    ],
)
def test_two_addresses_clash_when_they_share_a_port(one: str, other: str, expected: bool) -> None:
    assert clash(one, other) is expected


def test_addresses_are_told_apart() -> None:
    assert split_listen("[::1]:80") == ("::1", 80)
    assert split_listen("host:99999") is None
    assert [is_loopback(h) for h in ("::1", "127.8.8.8", "localhost", "0.0.0.0", "host")] == [True] * 3 + [False] * 2
