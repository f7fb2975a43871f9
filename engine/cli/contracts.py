"""The contracts of canonical documents and events, kept beside the reference, and the gate that guards them.

Who reads our documents (destinations, webhooks, other channels) relies on these files, and so does the store, whose
documents of before must still be read. A change that breaks either is refused until the major version is raised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.canonical import KINDS
from engine.canonical.events import EVENT_TYPES
from engine.canonical.examples import EXAMPLES
from engine.channel.compatibility import Direction, breaking_changes
from engine.cli.event_contracts import FOLDER as EVENTS
from engine.cli.event_contracts import event_files, event_schema

FOLDER = "contracts"
_ENDING = ".schema.json"


def contract_files() -> dict[str, str]:
    """File name below docs/reference/ to text."""
    return {f"{FOLDER}/{kind}.schema.json": _text(kind) for kind in sorted(KINDS)} | event_files()


def _text(kind: str) -> str:
    return json.dumps(_contract(kind), indent=2, ensure_ascii=False) + "\n"


def _contract(kind: str) -> dict[str, Any]:
    document = KINDS[kind]
    schema = document.model_json_schema(mode="serialization")
    examples = {"examples": [EXAMPLES[kind]]} if kind in EXAMPLES else {}
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "version": document.version, **schema, **examples}


def breaks(directory: Path) -> list[str]:
    """What the documents of today would break for readers of the kept contracts, in words; empty: nothing."""
    documents = {f"{FOLDER}/{kind}": kind for kind in sorted(KINDS)}
    events = {f"{EVENTS}/{one.name}": one for one in EVENT_TYPES}
    found = []
    for name, kept in _kept(directory):
        if name in documents:
            found += _between(name, kept, _contract(documents[name]), _STORED)
        elif name in events:
            found += _between(name, kept, event_schema(events[name]), _TOLD)
        else:
            found.append(f"{name.partition('/')[2]}: it is gone")
    return found


_TOLD = {Direction.SENT: ""}  # events are not read back
_STORED = {Direction.SENT: "", Direction.TAKEN: " (what is stored could not be read)"}


def _kept(directory: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for folder in (FOLDER, EVENTS):
        for path in sorted((directory / folder).glob("*" + _ENDING)):
            yield f"{folder}/{path.name.removesuffix(_ENDING)}", json.loads(path.read_text(encoding="utf-8"))


def _between(name: str, kept: dict[str, Any], today: dict[str, Any], directions: Mapping[Direction, str]) -> list[str]:
    if _major(kept) != _major(today):
        return []
    found: dict[str, str] = {}  # what breaks both sides is told once
    for direction, remark in directions.items():
        for one in breaking_changes(kept, today, direction):
            found.setdefault(f"{name.partition('/')[2]} {kept.get('version')}: {one.where}: {one.text}", remark)
    return [text + remark for text, remark in found.items()]


def _major(contract: Mapping[str, Any]) -> str:
    return str(contract.get("version")).partition(".")[0]
