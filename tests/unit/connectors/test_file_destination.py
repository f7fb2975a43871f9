"""The written folder: complete files only, each delivery once, whatever its fields say."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.connectors.file import folder as work
from engine.connectors.file.destination import FileDestination, file_name
from engine.connectors.file.settings import FileDestinationSettings
from engine.connectors.formats import Encoded
from engine.core.errors import DestinationError, TransportError
from engine.core.ids import id_text
from engine.ports.connector import Outbound
from tests.support.connector_doubles import context

OUTBOUND = Outbound(1, 7, "orders", "c-1", "key-1", b"body", kind="Invoice", natural_key="INV-1")


def destination(root: Path, **settings: Any) -> FileDestination:
    return FileDestination(FileDestinationSettings.model_validate({"folder": "out"} | settings), context(root))


def written(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "out").iterdir() if path.is_file()}


async def test_name_is_made_of_the_template(tmp_path: Path) -> None:
    delivered = await destination(tmp_path, file_name="{kind}_{natural_key}_{message_id}.json").send(OUTBOUND)

    assert delivered.reference == f"Invoice_INV-1_{id_text(7)}.json"
    assert written(tmp_path) == {delivered.reference: b"body"}


async def test_other_process_sends_the_same_key_without_effect(tmp_path: Path) -> None:
    for _ in range(2):
        await destination(tmp_path).send(OUTBOUND)

    assert len(written(tmp_path)) == 1


async def test_file_that_its_reader_took_is_not_written_again(tmp_path: Path) -> None:
    first = await destination(tmp_path).send(OUTBOUND)
    (tmp_path / "out" / str(first.reference)).unlink()
    again = await destination(tmp_path).send(msgspec.structs.replace(OUTBOUND, attempt=2))

    assert again.reference == first.reference
    assert written(tmp_path) == {}


@pytest.mark.parametrize("crash_at", ["part", "mark", "rename"])
async def test_crash_at_any_step_ends_with_one_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash_at: str
) -> None:
    write_whole, rename = work.write_whole, os.rename

    def writing(path: Path, content: bytes) -> None:
        if path.name.endswith(".part") == (crash_at == "part") and crash_at != "rename":
            raise KeyboardInterrupt
        write_whole(path, content)

    def renaming(source: Any, target: Any) -> None:
        if crash_at == "rename" and Path(target).parent.name == "out":
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(work, "write_whole", writing)
    monkeypatch.setattr(os, "rename", renaming)
    with pytest.raises(KeyboardInterrupt):
        destination(tmp_path, file_name="{key}")._write("a.txt", "key-1", Encoded(b"body"))
    monkeypatch.undo()
    before = written(tmp_path)
    destination(tmp_path, file_name="{key}")._write("a.txt", "key-1", Encoded(b"body"))

    assert before == {}
    assert written(tmp_path) == {"a.txt": b"body"}


async def test_other_content_under_the_same_key_is_refused(tmp_path: Path) -> None:
    await destination(tmp_path).send(OUTBOUND)
    with pytest.raises(DestinationError):
        await destination(tmp_path).send(msgspec.structs.replace(OUTBOUND, body=b"other"))


async def test_file_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "INV-1").write_text("of somebody else")
    with pytest.raises(DestinationError):
        await destination(tmp_path, file_name="{natural_key}").send(OUTBOUND)

    assert written(tmp_path) == {"INV-1": b"of somebody else"}


async def test_same_content_that_is_already_there_counts_as_delivered(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "INV-1").write_bytes(b"body")
    await destination(tmp_path, file_name="{natural_key}").send(OUTBOUND)

    assert written(tmp_path) == {"INV-1": b"body"}


async def test_full_disk_leaves_nothing_and_may_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TransportError) as caught:
        await destination(tmp_path).send(OUTBOUND)
    monkeypatch.undo()
    left = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    await destination(tmp_path).send(OUTBOUND)

    assert not caught.value.sent
    assert left == []
    assert len(written(tmp_path)) == 1


async def test_mark_older_than_remember_is_forgotten(tmp_path: Path) -> None:
    await destination(tmp_path).send(OUTBOUND)
    for mark in (tmp_path / "out" / ".sent").iterdir():
        os.utime(mark, (1, 1))
    await destination(tmp_path).send(msgspec.structs.replace(OUTBOUND, idempotency_key="key-2"))

    assert len([*(tmp_path / "out" / ".sent").iterdir()]) == 1


async def test_json_is_indented_and_kept_exact(tmp_path: Path) -> None:
    sent = msgspec.structs.replace(OUTBOUND, body=b'{"total":"12.30","lines":[1.10]}')
    await destination(tmp_path, format="json", file_name="{natural_key}.json").send(sent)

    text = written(tmp_path)["INV-1.json"].decode()
    assert text == '{\n  "total": "12.30",\n  "lines": [\n    1.10\n  ]\n}\n'


async def test_body_that_is_not_json_is_refused_by_a_json_destination(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="not JSON"):
        await destination(tmp_path, format="json").send(OUTBOUND)


async def test_missing_field_of_the_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="control_number"):
        await destination(tmp_path, file_name="{control_number}.edi").send(OUTBOUND)


TRAVERSALS = [
    "../x", "../../etc/passwd", "/etc/passwd", "..\\..\\x", "a/../../b", "....//x", "%2e%2e%2fx", "..", ".", "./x",
    "a\x00b", "a\nb", "~root", "C:\\x", "\\\\host\\share", "con", "a/b", "..%c0%afx", "\u2215etc", "\uff0e\uff0e/x",
    ".ssh", "..;/x", "a" * 5000, "", " ", "x;rm -rf", "$(id)", "`id`", "|x", "-rf", "\u202egnp.exe", ".sent/key",
]  # fmt: skip


@pytest.mark.parametrize("natural_key", TRAVERSALS)
@pytest.mark.parametrize("template", ["{natural_key}", "{natural_key}.txt", "x_{natural_key}_{key}"])
async def test_no_field_leads_out_of_the_folder(tmp_path: Path, natural_key: str, template: str) -> None:
    await destination(tmp_path, file_name=template).send(msgspec.structs.replace(OUTBOUND, natural_key=natural_key))

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parent.relative_to(tmp_path).as_posix() for path in files} <= {"out", "out/.sent"}
    assert len(written(tmp_path)) == 1
    assert not next(iter(written(tmp_path))).startswith((".", "-rf/"))


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_keys_never_share_a_name_and_names_are_plain(first: str, second: str) -> None:
    names = [file_name("{natural_key}", msgspec.structs.replace(OUTBOUND, natural_key=k), {}) for k in (first, second)]

    assert (names[0] == names[1]) == (first == second)
    for name in names:
        assert "/" not in name
        assert name not in ("", ".", "..")
        assert len(name.encode()) < 200


@pytest.mark.parametrize(
    "settings",
    [
        {"file_name": "fixed.txt"},
        {"file_name": "{patient}.txt"},
        {"file_name": "../{key}"},
        {"file_name": "{key"},
        {"file_name": "{date}.txt"},
        {"partner": "s1001"},
        {"folder": ""},
    ],
)
def test_senseless_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FileDestinationSettings.model_validate({"folder": "out"} | settings)
