"""Where the cases of a channel are: `<channel>.cases/<name>/` beside its file, each with an input and an expectation.

channels/supply_usage/stock_requisition.yaml
channels/supply_usage/stock_requisition.cases/
  two_lines/
    input.hl7           the message, as bytes on the wire but without framing; .hl7 .edi .json .xml .txt …
    expect.yaml         what should come of it
    expect/1.json       optional: documents that expect.yaml names
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

EXPECTATION = "expect.yaml"


@dataclass(frozen=True)
class CaseFiles:
    """Paths are relative to the site. `input` or `expectation` None: the file is missing."""

    channel: str
    name: str
    folder: str
    input: str | None
    expectation: str | None


def cases_folder(channel_file: str) -> str:
    return str(PurePosixPath(channel_file).with_suffix(".cases"))


def find_cases(root: Path, channel: str, channel_file: str) -> Iterator[CaseFiles]:
    """The cases of one channel, by name."""
    folder = cases_folder(channel_file)
    if not (root / folder).is_dir():
        return
    for case in sorted((root / folder).iterdir()):
        if case.is_dir() and not case.name.startswith("."):
            inputs = sorted(p.name for p in case.glob("input.*"))
            place = f"{folder}/{case.name}"
            expectation = f"{place}/{EXPECTATION}" if (case / EXPECTATION).is_file() else None
            yield CaseFiles(channel, case.name, place, f"{place}/{inputs[0]}" if inputs else None, expectation)
