"""Scaffolds lint and test from the first minute, whatever ends they are made with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.channel.cases import run_cases
from engine.channel.lint import lint
from engine.channel.load import load_site
from engine.cli.channel import command as channel_command
from engine.cli.dry_run import runner_for
from engine.cli.new import command as new_command
from engine.cli.scaffold import NewChannel, new_channel, new_site
from engine.cli.scaffold_ends import DESTINATIONS, SOURCES
from engine.cli.workspace import knowledge
from engine.connectors.catalog import CATALOG
from engine.core.errors import ConfigurationError
from engine.ports.states import MessageState

IMPOSSIBLE = {
    *{("schedule", "erp"), ("schedule", "hl7v2_mllp"), ("erp_orders", "hl7v2_mllp"), ("hl7v2_mllp", "fhir")},
    *{("events", "erp"), ("schedule", "soap"), ("soap", "fhir"), ("http_poll", "hl7v2_mllp")},
}
PAIRS = [
    *((source, "file") for source in SOURCES),
    *(("http", destination) for destination in DESTINATIONS if destination not in ("fhir", "hl7v2_mllp")),
    *(("hl7v2_mllp", "hl7v2_mllp"), ("hl7v2_mllp", "erp"), ("erp_orders", "sftp"), ("hl7v2_mllp", "sql")),
    *(("fhir", "fhir"), ("fhir", "erp"), ("fhir_poll", "soap"), ("soap", "soap"), ("schedule", "http")),
    *(("events", "webhook"), ("events", "nats")),
]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sites") / "general-hospital"
    new_site(root, "General Hospital")
    return root


@pytest.fixture
def site(tmp_path: Path, pristine: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "site"))


def _assert_good(root: Path) -> None:
    loaded = load_site(root)
    assert [str(finding) for finding in lint(loaded, knowledge())] == []
    outcomes = list(run_cases(loaded, runner_for(loaded)))
    assert len(outcomes) == len(loaded.channels)
    assert all(o.passed and o.result and o.result.state is MessageState.QUEUED for o in outcomes), outcomes


def test_a_new_site_lints_and_tests(site: Path) -> None:
    _assert_good(site)


@pytest.mark.parametrize(("source", "destination"), PAIRS)
def test_a_new_channel_lints_and_tests(site: Path, source: str, destination: str) -> None:
    if source == "window":
        new_channel(site, NewChannel("requisitions", "hl7v2_mllp", "erp"))
    if destination == "channel":
        new_channel(site, NewChannel("onward", "channel", "file"))
    new_channel(site, NewChannel("made", source, destination))

    _assert_good(site)


def test_every_connector_has_a_scaffold() -> None:
    assert set(SOURCES) == set(CATALOG.sources)
    assert set(DESTINATIONS) == set(CATALOG.destinations)


def test_an_order_channel_over_x12_files_lints_and_tests(site: Path) -> None:
    new_channel(site, NewChannel("orders", "file", "erp", flow="purchasing", format="x12"))

    _assert_good(site)


@pytest.mark.parametrize(("source", "destination"), sorted(IMPOSSIBLE))
def test_ends_that_do_not_go_together_are_refused_in_words(site: Path, source: str, destination: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{source} to {destination}"):
        new_channel(site, NewChannel("made", source, destination))

    assert not (site / "channels/first/made.yaml").exists()


def test_a_name_that_is_taken_is_refused_and_nothing_is_overwritten(site: Path) -> None:
    before = (site / "channels/first/admissions.yaml").read_text()

    with pytest.raises(ConfigurationError, match="of this name"):
        new_channel(site, NewChannel("admissions", "file", "file"))

    assert (site / "channels/first/admissions.yaml").read_text() == before


@pytest.mark.parametrize("title", ["Orders: in", "850 # clinic", "“Quoted”", "yes", "a'b\"c", "- dash", "{x}"])
def test_any_title_is_kept_as_it_was_said(tmp_path: Path, site: Path, title: str) -> None:
    new_channel(site, NewChannel("orders", "file", "file", title=title))
    new_site(tmp_path / "other", title)

    assert load_site(site).channels["orders"].title == title
    assert load_site(tmp_path / "other").engine.site == title


@pytest.mark.parametrize("name", ["Admissions", "../x", "a-b", "1st", ""])
def test_a_name_that_is_none_is_refused(site: Path, name: str) -> None:
    with pytest.raises(ConfigurationError):
        new_channel(site, NewChannel(name, "file", "file"))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(ConfigurationError, match="not empty"):
        new_site(tmp_path, "Mine")

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_each_new_listener_gets_a_port_of_its_own(site: Path) -> None:
    new_channel(site, NewChannel("second", "hl7v2_mllp", "file"))

    listens = {model.source.settings["listen"] for model in load_site(site).channels.values()}
    assert listens == {"127.0.0.1:6661", "127.0.0.1:6662"}


def test_the_commands_say_what_they_made_and_what_comes_next(tmp_path: Path) -> None:
    root = tmp_path / "site"
    made = CliRunner().invoke(new_command, [str(root)])
    added = CliRunner().invoke(
        channel_command, ["new", "orders", "--source", "http", "--destination", "file", "--site", str(root)]
    )

    assert made.exit_code == 0
    assert "next:" in made.output
    assert added.exit_code == 0, added.output
    assert "made: channels/first/orders.yaml" in added.output
