"""The contracts of canonical documents and events, kept beside the reference, and the gate that guards them.

Who reads our documents (destinations, webhooks, other channels) relies on these files. A change that breaks a reader
is refused until the kind's `version` is raised.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.canonical import KINDS
from engine.channel.compatibility import Direction, breaking_changes
from engine.cli.event_contracts import event_files, event_schemas

FOLDER = "contracts"


def contract_files() -> dict[str, str]:
    """File name below docs/reference/ to text."""
    return {f"{FOLDER}/{kind}.schema.json": _text(kind) for kind in sorted(KINDS)} | event_files()


def _text(kind: str) -> str:
    return json.dumps(_contract(kind), indent=2, ensure_ascii=False) + "\n"


def _contract(kind: str) -> dict[str, Any]:
    document = KINDS[kind]
    schema = document.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "version": document.version, **schema}


def breaks(directory: Path) -> list[str]:
    """What the documents of today would break for readers of the kept contracts, in words; empty: nothing."""
    found = []
    contracts = {f"{FOLDER}/{kind}": _contract(kind) for kind in sorted(KINDS)}
    for name, today in (contracts | event_schemas()).items():
        path = directory / f"{name}.schema.json"
        if not path.is_file():
            continue
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept.get("version") == today["version"]:
            changes = breaking_changes(kept, today, Direction.SENT)
            found += [f"{path.name.split('.schema')[0]} {kept['version']}: {one.where}: {one.text}" for one in changes]
    return found
