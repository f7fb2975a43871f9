"""Every FHIR file of the sample corpus is read and written again digit by digit, or refused by its place."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import IsthmusError
from engine.protocols.fhir.bundle import split_bundle
from engine.protocols.fhir.resource import read_head, read_tree, write_tree
from engine.protocols.fhir.version import Version
from engine.protocols.fhir.xml_reader import read_xml
from engine.protocols.fhir.xml_writer import write_xml

CORPUS = Path(os.environ.get("ISTHMUS_CORPUS", "../shared/corpus")) / "fhir"
FILES = sorted(CORPUS.rglob("*.json")) if CORPUS.is_dir() else []
pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not FILES, reason="corpus absent")]


def numbers(tree: Any) -> list[str]:
    """Every decimal as written."""
    if isinstance(tree, Decimal):
        return [str(tree)]
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [one for value in inner for one in numbers(value)]


def plain(tree: Any) -> Any:
    """Without narratives, whose white space XML may write otherwise."""
    if isinstance(tree, dict):
        return {name: plain(value) for name, value in tree.items() if name != "div"}
    return [plain(one) for one in tree] if isinstance(tree, list) else tree


def test_files_that_are_json_are_read_and_keep_their_digits() -> None:
    read, refused = 0, []
    for file in FILES:
        body = file.read_bytes()
        try:
            tree = read_tree(body)
            head = read_head(body)
        except IsthmusError as error:
            refused.append((file.parent.name, error.code))
            continue
        read += 1
        assert head.resourceType == tree["resourceType"]
        assert read_tree(write_tree(tree)) == tree
        text = body.decode("utf-8-sig")
        assert all(re.search(rf"{re.escape(one)}(?!\d)", text, re.IGNORECASE) for one in numbers(tree))

    assert read >= 400
    assert {folder for folder, _ in refused} <= {"INVALID"}


def test_bundles_are_split_into_entries_that_read_as_in_the_bundle() -> None:
    split = 0
    for file in FILES:
        body = file.read_bytes()
        if file.parent.name == "INVALID" or b'"Bundle"' not in body or read_head(body).resourceType != "Bundle":
            continue
        resources = [entry.get("resource") for entry in read_tree(body).get("entry", ())]
        entries = split_bundle(body).entries
        assert [read_tree(one.body) if one.body else None for one in entries] == resources
        split += 1

    assert split >= 40


def test_resources_of_the_standard_survive_xml() -> None:
    same, other = 0, []
    for file in FILES:
        if not file.name.startswith("hl7.fhir.r"):
            continue
        version: Version = "R5" if "-R5-" in file.name else "R4B"
        tree = read_tree(file.read_bytes())
        if plain(read_xml(write_xml(tree), version)) == plain(tree):
            same += 1
        else:
            other.append(file.name)

    assert other == []
    assert same >= 100
