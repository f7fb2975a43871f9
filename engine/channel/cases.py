"""Run the cases beside channels, and write expectations for review.

The runner is given: `isthmus test` passes the very code that worker processes run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml
from pydantic import ValidationError

from engine.channel.case_files import EXPECTATION, CaseFiles, find_cases
from engine.channel.expectation import Difference, Expectation, compare, grouped_keys, named_files
from engine.channel.model import ChannelModel
from engine.channel.site import Site
from engine.channel.yaml_source import read_yaml
from engine.ports.script import WorkResult

Runner = Callable[[ChannelModel, bytes], WorkResult]
"""Runs one body through a channel as it is on disk; stores and sends nothing."""


class CaseOutcome(msgspec.Struct, frozen=True):
    """`problem`: the case itself cannot be used. `new`: it had no expectation; `--update` writes one."""

    channel: str
    name: str
    folder: str
    passed: bool
    differences: tuple[str, ...] = ()
    problem: str | None = None
    new: bool = False
    result: WorkResult | None = None
    micros: int = 0


def run_cases(
    site: Site, runner: Runner, channels: Iterable[str] | None = None, folders: Iterable[str] = ()
) -> Iterator[CaseOutcome]:
    """Run cases: of the named channels (None: of all), and only those below `folders` when some are given."""
    wanted = None if channels is None else set(channels)
    limits = tuple(folders)
    for file in site.files:
        if file.model is None or (wanted is not None and file.model.channel not in wanted):
            continue
        for case in find_cases(site.root, file.model.channel, file.path):
            if not limits or any(case.folder == f or case.folder.startswith(f.rstrip("/") + "/") for f in limits):
                yield run_case(site.root, file.model, case, runner)


def run_case(root: Path, channel: ChannelModel, case: CaseFiles, runner: Runner) -> CaseOutcome:
    def outcome(**facts: Any) -> CaseOutcome:
        return CaseOutcome(case.channel, case.name, case.folder, **facts)

    if case.input is None:
        return outcome(passed=False, problem="it has no input.* file")
    result = runner(channel, (root / case.input).read_bytes())
    if case.expectation is None:
        return outcome(passed=False, problem="it has no expect.yaml", new=True, result=result)
    expected = _expectation(root / case.expectation)
    if isinstance(expected, str):
        return outcome(passed=False, problem=expected, result=result)
    differences = compare(expected, result, _files(root / case.folder, expected))
    return outcome(
        passed=not differences, differences=tuple(map(str, differences)), result=result, micros=result.micros
    )


def _expectation(path: Path) -> Expectation | str:
    source = read_yaml(path.read_text(encoding="utf-8"), path.name)
    if source.findings:
        return str(source.findings[0])
    try:
        return Expectation.model_validate(source.data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{EXPECTATION}: {'.'.join(map(str, first['loc']))}: {first['msg']}"


def _files(folder: Path, expected: Expectation) -> dict[str, bytes]:
    names = [d.file for d in expected.documents or () if d.file is not None]
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


# ------------------------------------------------------------------ writing expectations
def write_expectation(root: Path, outcome: CaseOutcome) -> str:
    """Write what came out as what is expected; remarks at the top and `about:` stay. Returns the file written."""
    if outcome.result is None:
        raise ValueError("a case that did not run has nothing to expect")
    path = root / outcome.folder / EXPECTATION
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    remarks = "".join(f"{line}\n" for line in _leading_remarks(old))
    data = _kept(old) | expectation_of(outcome.result)
    path.write_text(remarks + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8")
    return f"{outcome.folder}/{EXPECTATION}"


def _leading_remarks(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("#"):
            return
        yield line


def _kept(text: str) -> dict[str, Any]:
    data = read_yaml(text, EXPECTATION).data if text.strip() else None
    about = data.get("about") if isinstance(data, dict) else None
    return {"about": about} if about else {}


def expectation_of(result: WorkResult) -> dict[str, Any]:
    data: dict[str, Any] = {"state": result.state.name}
    if result.reason is not None:
        data["reason"] = result.reason.code
        place = (result.reason.where or "").partition("transforms/")[0].rstrip(", ")  # lines of a script move
        if place:
            data["where"] = place
    if result.keys:
        data["keys"] = grouped_keys(result)
    if result.routes:
        data["routes"] = [route.destination for route in result.routes]
    if result.documents:
        data["documents"] = [_document(d.kind, d.body) for d in result.documents]
    return data


def _document(kind: str | None, body: bytes) -> dict[str, Any]:
    if kind is not None:
        return {"kind": kind, "contains": json.loads(body)}
    text = body.decode("utf-8", errors="replace").replace("~", "\n")
    return {"lines": [line for line in text.splitlines() if line.strip()]}


__all__ = [
    "CaseOutcome",
    "Difference",
    "Runner",
    "expectation_of",
    "named_files",
    "run_case",
    "run_cases",
    "write_expectation",
]
