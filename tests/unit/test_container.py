"""The Dockerfile: what it promises, and its steps carried out as far as they can be without a container engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.loopback import free_port
from tests.support.dockerfile import Stage, read_dockerfile
from tests.support.image import Image
from tests.support.source_tree import ROOT

SECRET = re.compile(r"pass(word|wd)?|secret|token|api_?key|private", re.I)


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    return read_dockerfile((ROOT / "Dockerfile").read_text())


def words_of(stage: Stage, keyword: str) -> list[str]:
    found = stage.last(keyword)
    assert found is not None, f"the final stage has no {keyword}"
    return found.words


# ------------------------------------------------------------------ what is written
def test_what_is_built_and_what_runs_are_two_stages(stages: list[Stage]) -> None:
    assert len(stages) > 1
    assert [one.flags["from"] for one in stages[-1].every("COPY") if "from" in one.flags] == [stages[0].name]
    assert not [one for one in stages[-1].every("RUN") if "pip" in one.text or "apt" in one.text]


def test_base_images_are_named_with_their_version(stages: list[Stage]) -> None:
    assert all(re.search(r":\d|@sha256:", stage.base) for stage in stages)


def test_the_engine_does_not_run_as_root(stages: list[Stage]) -> None:
    [user] = words_of(stages[-1], "USER")
    names = [command[-1] for one in stages[-1].every("RUN") for command in one.commands if command[0] == "useradd"]

    assert user not in ("root", "0")
    assert user in names or user.isdecimal()
    assert stages[-1].instructions.index(stages[-1].every("USER")[-1]) > max(
        stages[-1].instructions.index(one) for one in stages[-1].every("COPY")
    )


def test_its_health_is_asked_and_it_is_stopped_by_a_signal_that_drains(stages: list[Stage]) -> None:
    assert words_of(stages[-1], "HEALTHCHECK")[:2] == ["isthmus", "status"]
    assert words_of(stages[-1], "STOPSIGNAL") == ["SIGTERM"]
    # In JSON form the engine itself is process 1 and gets the signal; a shell would keep it.
    for keyword in ("CMD", "HEALTHCHECK"):
        found = stages[-1].last(keyword)
        assert found is not None
        assert "[" in found.text


def test_nothing_is_fetched_by_address_and_no_secret_is_baked_in(stages: list[Stage]) -> None:
    everything = [one for stage in stages for one in stage.instructions]

    assert not [one for one in everything if one.keyword == "ADD"]
    assert not [one for one in everything if re.search(r"https?://|curl |wget ", one.text)]
    assert not [one for one in everything if one.keyword in ("ENV", "ARG") and SECRET.search(one.text)]


def test_packages_come_from_the_lock_file_by_digest(stages: list[Stage]) -> None:
    pip = [command for one in stages[0].every("RUN") for command in one.commands if command[0].endswith("pip")]

    assert pip
    assert all("--require-hashes" in command and "requirements.lock" in command for command in pip)


def test_everything_that_is_copied_is_there(stages: list[Stage]) -> None:
    sources = [s for stage in stages for one in stage.every("COPY") if "from" not in one.flags for s in one.words[:-1]]

    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_build_sees_what_is_copied_and_no_key_journal_or_environment(stages: list[Stage]) -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    seen = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {s for stage in stages for one in stage.every("COPY") if "from" not in one.flags for s in one.words[:-1]}

    assert lines[0] == "*"
    assert seen - {"Dockerfile"} == copied
    assert {"**/*.key", "**/*.pem", "**/.isthmus"} <= set(lines)


def test_the_engines_user_may_write_every_volume(stages: list[Stage]) -> None:
    """A volume takes the ownership of the folder in the image; one that is not there belongs to root."""
    made = [
        word
        for one in stages[-1].every("RUN")
        for command in one.commands
        if command[0] == "install" and command[command.index("-o") + 1] == words_of(stages[-1], "USER")[0]
        for word in command
        if word.startswith("/")
    ]

    assert set(words_of(stages[-1], "VOLUME")) <= set(made)


# ------------------------------------------------------------------ what it does
@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own folder: that one is closed to other users, and the engine runs as one."""
    made = Path(tempfile.mkdtemp(prefix="isthmus-image-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def built(folder: Path, stages: list[Stage], *, install: bool) -> Image:
    image = Image(folder, install)
    image.build(stages)
    for path in (folder / "site").rglob("*.yaml"):  # addresses that are free on this machine
        path.write_text(re.sub(r"(listen: 127\.0\.0\.1:)\d+", lambda m: f"{m[1]}{free_port()}", path.read_text()))
    return image


def the_image_works(image: Image, stage: Stage) -> None:
    environment = stage.environment()
    writable = [image.give(volume) for volume in words_of(stage, "VOLUME")]
    before = tree(image.root, writable)
    helping = image.start(["/opt/isthmus/bin/isthmus", "--help"], environment, writable)
    told, fault = helping.communicate(timeout=180)
    assert helping.returncode == 0, fault
    assert "start the engine of a site" in told

    engine = image.start(words_of(stage, "CMD"), environment, writable)
    try:
        status = healthy(image, stage, environment, writable, engine)
        owners = {path.stat().st_uid for path in writable[0].iterdir()}
        engine.send_signal(signal.SIGTERM)
        out, err = engine.communicate(timeout=180)
    finally:
        if engine.poll() is None:
            engine.kill()

    assert engine.returncode == 0, out[-2000:] + err[-2000:]
    assert {channel["name"] for channel in status["channels"]} >= {"stock_requisition", "supply_charges"}
    assert tree(image.root, writable) == before, "something was written outside of the volumes"
    if image.may_close_in():
        assert owners == {image.uid}


def healthy(
    image: Image, stage: Stage, environment: dict[str, str], writable: list[Path], engine: subprocess.Popen[str]
) -> dict[str, Any]:
    """The health check's own command, until it is good or the patience of the image is over."""
    deadline = time.monotonic() + 240
    while True:
        asked = image.start(words_of(stage, "HEALTHCHECK"), environment, writable)
        out, err = asked.communicate(timeout=180)
        if asked.returncode == 0:
            answer: dict[str, Any] = json.loads(out)
            return answer
        if engine.poll() is not None or time.monotonic() > deadline:
            engine.kill()
            raise AssertionError(f"{out}{err}\n{engine.communicate()}")
        time.sleep(0.5)


def tree(root: Path, without: list[Path]) -> dict[str, int]:
    """Names and sizes of the image's files, what its volumes hold left out."""
    files = (
        path for path in root.rglob("*") if not path.is_dir() and not {*without, root / ".machine"} & {*path.parents}
    )
    return {str(path): path.lstat().st_size for path in files}


def say(image: Image) -> None:
    print("\nnot run here: " + "; ".join(sorted(set(image.not_run))))


@pytest.mark.process
def test_the_steps_make_an_engine_that_runs_unprivileged_on_a_read_only_tree(stages: list[Stage], folder: Path) -> None:
    image = built(folder, stages, install=False)

    the_image_works(image, stages[-1])
    say(image)


@pytest.mark.slow
@pytest.mark.process
def test_the_steps_with_packages_from_the_lock_file_alone(stages: list[Stage], folder: Path) -> None:
    image = built(folder, stages, install=True)

    the_image_works(image, stages[-1])
    assert not list(folder.rglob("borrowed.pth"))
    say(image)


@pytest.mark.skipif(os.getuid() != 0 or not Image.may_close_in(), reason="needs root and unshare for a read-only mount")
def test_the_read_only_tree_is_read_only(stages: list[Stage], folder: Path) -> None:
    """The double of the image must not pass by letting the engine write where a container would not."""
    image = Image(folder, install=False, uid=10001, gid=10001)
    (folder / "site").mkdir()
    volume = image.give("/site/var")

    touched = [image.start(["touch", path], {}, [volume]) for path in ("/site/x", "/site/var/x")]

    assert [one.wait(10) == 0 for one in touched] == [False, True]
