"""What the protocols tolerate or refuse in a received body: code, place and words, never a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import msgspec

from engine.core.errors import IsthmusError
from engine.protocols import hl7v2, x12
from engine.protocols.x12 import EnvelopePolicy, judge

LIMIT = 50
SIZE_LIMIT = 2 * 1024**2  # reading more would keep the page, and the loop, waiting


class Shown(msgspec.Struct, frozen=True):
    """One line. `tone` is `bad` when a strict reader refuses for it."""

    code: str
    where: str
    text: str
    tone: str = "warn"


def of_body(body: bytes, format_name: str) -> list[Shown]:
    """`format_name` as `segments.BodyView` calls it; other formats have no findings."""
    read = _READERS.get(format_name)
    if read is None or len(body) > SIZE_LIMIT:
        return []
    try:
        return list(islice(read(body), LIMIT))
    except IsthmusError as error:
        return [Shown(error.code, error.where or "", error.what, "bad")]


def _of_hl7(body: bytes) -> Iterator[Shown]:
    for finding in hl7v2.read_file(body).findings:
        yield Shown(finding.code.value, finding.where, finding.text)


def _of_x12(body: bytes) -> Iterator[Shown]:
    file = x12.read_file(body)
    found = list(file.remarks)
    for interchange in file.interchanges:
        found += judge(interchange, EnvelopePolicy.TOLERANT).all_findings
    for finding in found:
        tone = "bad" if finding.severity is x12.Severity.ERROR else "warn"
        yield Shown(finding.code, f"{finding.where} at {finding.position_in_words}", finding.text, tone)


_READERS: Mapping[str, Callable[[bytes], Iterator[Shown]]] = {"HL7 v2": _of_hl7, "X12": _of_x12}
