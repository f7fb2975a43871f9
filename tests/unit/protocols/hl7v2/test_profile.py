"""Conformance by hl7apy's tables: what exists since when, what a message lacks, samples that conform."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.core.errors import StructureError
from engine.protocols.hl7v2 import Hl7Message
from engine.protocols.hl7v2.profile import build_sample, validate
from engine.protocols.hl7v2.structures import first_version, last_version, structure_of

OMS = (
    b"MSH|^~\\&|OR|HARBOR|ISTHMUS|HARBOR|20260301101500||OMS^O05^OMS_O05|C1|P|2.5.1\r"
    b"ORC|NW|RQ101^OR\rRQD|1|IC^Kit||H77|5|EA\rZRQ|anything|^~\r"
)


@pytest.mark.parametrize(
    ("message_type", "first", "last"),
    [
        ("OMS^O05", "2.4", "2.8.2"),
        ("MFN^M15", "2.5", "2.8.2"),
        ("MFN^M16", "2.6", "2.8.2"),
        ("ORM^O01", "2.1", "2.6"),
        ("ADT^A04^ADT_A01", "2.1", "2.8.2"),
        ("ZZZ^Z01", None, None),
    ],
)
def test_messages_exist_from_and_to_a_version(message_type: str, first: str | None, last: str | None) -> None:
    assert (first_version(message_type), last_version(message_type)) == (first, last)


def test_events_share_structures() -> None:
    assert structure_of("ADT^A08", "2.5.1") == "ADT_A01"
    assert structure_of("ADT^A28", "2.5.1") == "ADT_A05"
    assert structure_of("ADT^A08", "9.9") is None


def test_a_conforming_message_has_no_findings_and_z_segments_do_not_matter() -> None:
    assert validate(OMS) == []


@pytest.mark.parametrize(
    ("body", "where", "words"),
    [
        (OMS.replace(b"ORC|NW|RQ101^OR\r", b""), "", "missing"),
        (OMS.replace(b"ORC|NW", b"ORC|QQ"), "ORC-1", "not a value of table 0119"),
        (OMS.replace(b"|H77|5|", b"|H77|SECRET|"), "RQD-5", "not a number (NM)"),
        (OMS.replace(b"ORC|NW", b"ORC|"), "ORC-1", "required and missing"),
        (OMS.replace(b"|C1|", b"||"), "MSH-10", "required and missing"),
        (OMS.replace(b"RQD|1|", b"RQD|1~2|"), "RQD-1", "repeated more than 1 times"),
        (OMS.replace(b"H77|5|EA", b"H77|5|EA||||||||||||SECRET"), "RQD-11", "has no field here"),
        (OMS.replace(b"ZRQ|", b"QQQ|"), "QQQ", "no such segment"),
        (OMS.replace(b"|2.5.1", b"|2.3"), "MSH-9", "no such message"),
        (OMS.replace(b"|2.5.1", b"|7.7"), "MSH-12", "no tables"),
    ],
)
def test_a_fault_is_named_with_its_place_and_without_its_value(body: bytes, where: str, words: str) -> None:
    found = validate(body)

    assert any(finding.where.startswith(where) and words in finding.text for finding in found), found
    assert not any("SECRET" in str(finding) for finding in found)


def test_a_version_can_be_asked_for_against_the_messages_own() -> None:
    assert [finding.where for finding in validate(OMS, version="2.3")] == ["MSH-9"]


@pytest.mark.parametrize(
    ("message_type", "version"),
    [
        ("OMS^O05", "2.5.1"),
        ("DFT^P03", "2.5.1"),
        ("MFN^M16", "2.6"),
        ("ADT^A01", "2.5.1"),
        ("ADT^A04", "2.4"),
        ("ORM^O01", "2.3"),
        ("BAR^P01", "2.7"),
    ],
)
def test_samples_conform_and_are_of_their_type(message_type: str, version: str) -> None:
    sample = build_sample(message_type, version)

    assert validate(sample) == []
    assert Hl7Message.parse(sample).message_type == message_type


def test_there_is_no_sample_of_a_message_that_the_version_lacks() -> None:
    with pytest.raises(StructureError):
        build_sample("MFN^M16", "2.5")


def test_hl7apy_is_not_loaded_at_start_up() -> None:
    code = "import sys, engine.protocols.hl7v2, engine.protocols.hl7v2.profile; sys.exit('hl7apy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
