"""Every command that prints data prints one valid JSON document with `--json`."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.main import COMMANDS, Commands
from tests.support.engine_process import EngineProcess, write_site

pytestmark = pytest.mark.process

CHANNEL = """
channel: notes
version: 1
title: Notes stay here
source: {type: file, folder: in, format: json, poll: 50ms, stable_for: 0s}
transform: check
destinations:
  - {name: copies, type: file, folder: out, format: json}
"""
CHECK = "def transform(message):\n    int(message.get('n'))\n    return message\n"
ASKED = {
    "approvals": [],
    "measures": [],
    "payments": [],
    "status": [],
    "messages": [],
    "show": ["MESSAGE"],
    "diff": [],
    "history": [],
    "check": [],
    "replay": ["--channel", "notes"],
    "deploy": [],
    "rollback": ["notes", "--revision", "1"],
    "pause": ["notes"],
    "resume": ["notes"],
    "stop": ["notes"],
    "prune": ["--older-than", "90d"],
    "cases": [],
    "lineage": ["MESSAGE"],
    "recall": ["--item", "M1", "--lot", "L1"],
    "crosswalks": ["--missing"],
    "resend": ["MESSAGE", "--reason", "test"],
}
ALONE = {
    "lint": ["SITE"],
    "test": ["SITE"],
    "trace": ["notes", "INPUT", "--site", "SITE"],
    "parse": ["INPUT"],
    "erp status": ["--directory", "SITE"],
}
# These print no data: they run, write files or say that something is done.
WORDS = {"run", "demo", "new", "channel", "discard", "confirm", "schema", "docs", "erp"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    process = EngineProcess(write_site(tmp_path_factory.mktemp("json"), {"notes": CHANNEL}, {"check": CHECK}))
    (process.site / "in").mkdir()
    (process.site / "in" / "held.json").write_text('{"n": "none"}')
    process.start()
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
def held(engine: EngineProcess) -> str:
    for _ in range(200):
        found = answered(["messages", "--state", "HELD", "--site", str(engine.site), "--json"])
        if found:
            return str(found[0]["message_id"])
        time.sleep(0.05)
    raise AssertionError("no message is held")


def answered(words: list[str]) -> Any:
    """What stood on standard output, read as one document; exit 1 tells of findings."""
    run = CliRunner().invoke(Commands(), words)
    assert run.exit_code in (0, 1), run.output
    return json.loads(run.stdout)


@pytest.mark.parametrize("command", ASKED)
def test_command_that_asks_the_engine_prints_json(command: str, engine: EngineProcess, held: str) -> None:
    words = [held if word == "MESSAGE" else word for word in ASKED[command]]

    assert isinstance(answered([command, *words, "--site", str(engine.site), "--json"]), list | dict)


@pytest.mark.parametrize("command", ALONE)
def test_command_that_works_alone_prints_json(command: str, engine: EngineProcess, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(engine.site, site, ignore=shutil.ignore_patterns("var", "*.sock"))
    (tmp_path / "note.json").write_text('{"n": "1"}')
    names = {"SITE": str(site), "INPUT": str(tmp_path / "note.json")}
    words = [names.get(word, word) for word in ALONE[command]]

    assert isinstance(answered([*command.split(), *words, "--json"]), list | dict)


@pytest.mark.parametrize(("code", "status"), [("AA", 0), ("AE", 1)])
def test_send_prints_each_acknowledgement_as_json(code: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "a01.hl7").write_text("MSH|^~\\&|LAB|HARBOR|ISTHMUS|HARBOR|20260101120000||ADT^A01|1|P|2.5.1\rPID|1\r")
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=_answer, args=(server, code))
        answering.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        run = CliRunner().invoke(Commands(), ["send", address, str(tmp_path / "a01.hl7"), "--json"])
        answering.join(10)

    (answer,) = json.loads(run.stdout)
    assert (answer["code"], answer["control_id"], answer["positive"]) == (code, "1", code == "AA")
    assert answer["file"].endswith("a01.hl7")
    assert run.exit_code == status


def _answer(server: socket.socket, code: str) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(f"\x0bMSH|^~\\&|B|B|A|A|20260101||ACK|1|P|2.5.1\rMSA|{code}|1\r\x1c\r".encode())


def test_no_command_is_forgotten() -> None:
    assert {name.split()[0] for name in {*ASKED, *ALONE}} | {"send"} | WORDS == set(COMMANDS)
