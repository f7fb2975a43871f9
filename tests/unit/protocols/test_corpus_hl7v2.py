"""Every file of the corpus is read and written byte for byte, or refused with a coded, placed error that is right."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.core.errors import CharsetError, IsthmusError, StructureError
from engine.protocols.hl7v2 import Hl7Message, read_file

ROOT = Path(os.environ.get("ISTHMUS_CORPUS", "../shared/corpus")) / "hl7v2"
FILES = sorted(path for path in ROOT.rglob("*") if path.is_file()) if ROOT.is_dir() else []

pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not FILES, reason="corpus absent")]

NOT_ASCII = (CharsetError, "MSH-18 is empty, which means ASCII, and there are other bytes")
UNKNOWN_SET = (CharsetError, "MSH-18 names a character set that does not exist")
XML = (StructureError, "XML encoding; channels take it over other protocols")
ELLIPSIS = (StructureError, "the standard's own text: an ellipsis stands where the separators should")
SEPARATORS = (StructureError, "MSH-2 cannot be encoding characters: repeated, letters, digits or not ASCII")
NO_HEADER = (StructureError, "the first line is no header")

REFUSED: dict[str, tuple[type[IsthmusError], str]] = {
    "ADT/EffortlessMetrics-utf8_test.hl7": NOT_ASCII,
    "ADT/HL7-v2ig-2.9.4.1.1.hl7": ELLIPSIS,
    "ADT/HL7-v2ig-3.5.2.hl7": NOT_ASCII,
    "ADT/LinuxForHealth-sample_unix.hl7": SEPARATORS,
    "ADT/LinuxForHealth-sample_win.hl7": SEPARATORS,
    "ADT/cosyte-unicode-names.hl7": NOT_ASCII,
    "ADT/oehf-iti8-a40-iso-8859-1.hl7": NOT_ASCII,
    "BAR/HL7-v2ig-2.9.4.1.2.hl7": ELLIPSIS,
    "MALFORMED/CDCgov-Lyme_WithBadDelimiters.txt": SEPARATORS,
    "MALFORMED/EdiFabric-CorruptMsh.txt": NO_HEADER,
    "MALFORMED/EffortlessMetrics-non_canonical.hl7": SEPARATORS,
    "MALFORMED/HL7-v2ig-2.9.2.2.hl7": ELLIPSIS,
    "MALFORMED/HL7-v2ig-4.9.4.hl7": ELLIPSIS,
    "MALFORMED/HL7-v2ig-7.5.3.hl7": ELLIPSIS,
    "MALFORMED/HL7-v2ig-7.5.4.hl7": ELLIPSIS,
    "MALFORMED/HL7-v2ig-7.5.6.hl7": ELLIPSIS,
    "MALFORMED/HL7-v2ig-7.5.7.hl7": ELLIPSIS,
    "MALFORMED/HL7-v2ig-9.8.1.hl7": ELLIPSIS,
    "MALFORMED/djonnadula-scri_radiology_oru_filters.txt": SEPARATORS,
    "MFN/HL7-v2ig-8.7.2.hl7": NOT_ASCII,
    "OMS_OMD/HL7-v2ig-4.12.1.hl7": NOT_ASCII,
    "ORM_OMG_OML/nHapiNET-OML_O21_messages.txt": NOT_ASCII,
    "ORU_OUL/CDCgov-Tuleremia.hl7": NOT_ASCII,
    "ORU_OUL/HL7-v2ig-7.5.2.hl7": NOT_ASCII,
    "ORU_OUL/oehf-msg-02.hl7": UNKNOWN_SET,
    "ORU_OUL/oehf-msg-04.hl7": UNKNOWN_SET,
    **{f"OTHER/HL7-v2ig-11.9.{part}.hl7": NOT_ASCII for part in (2, 3, 4, 5)},
    **{f"OTHER/HL7-v2ig-5.9.{part}.hl7": NOT_ASCII for part in ("1.1", "1.2", "2.1", "6")},
}
READ_OF_FUZZ = {"nHapiNET-id_000109_sig_02_src_001098+002192_op_splice_rep_4", "nHapiNET-stackoverflow1"}


def expected(path: Path) -> tuple[type[IsthmusError], str] | None:
    if path.parent.name == "XML_ENCODED":
        return XML
    if path.parent.name == "FUZZ":
        return None if path.name in READ_OF_FUZZ else SEPARATORS
    return REFUSED.get(path.relative_to(ROOT).as_posix())


def touch_everything(message: Hl7Message) -> None:
    """Read each field in every way; what cannot be decoded must be a coded error."""
    for segment in message.segments:
        for number in range(1, segment.field_count() + 1):
            segment.raw(number)
            segment.state(number)
            segment.repetitions(number)
    assert bytes(message) == message.encode()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_file_is_read_byte_for_byte_or_refused_for_the_right_reason(path: Path) -> None:
    data = path.read_bytes()
    refusal = expected(path)

    if refusal is not None:
        with pytest.raises(refusal[0]) as caught:
            read_file(data)
        assert caught.value.where
        assert type(caught.value).code in ("M004", "M005")
        return
    file = read_file(data)
    for message in file.messages:
        touch_everything(message)
    assert file.encode() == data


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if expected(path) is NOT_ASCII and "iso-8859-1" not in path.name],
    ids=lambda path: path.name,
)
def test_with_the_channels_character_set_they_are_read(path: Path) -> None:
    data = path.read_bytes()

    assert read_file(data, charset="utf-8").encode() == data


def test_each_segment_rewritten_from_its_fields_is_unchanged() -> None:
    for path in FILES:
        if expected(path) is not None:
            continue
        for message in read_file(path.read_bytes()).messages:
            twin = message.copy()
            _ = twin.segments
            twin._edited = True
            assert bytes(twin) == bytes(message), path.name
