"""What HL7 defines for a version: structures of messages, fields of segments, from hl7apy's own tables.

Loaded when first asked for: start-up does not pay for it.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

VERSIONS = ("2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8", "2.8.1", "2.8.2")

# Events that share a structure named after another event. Source: HL7 table 0354 (v2.5.1, v2.8).
_SHARED = {
    "ADT_A01": "A01 A04 A08 A13",
    "ADT_A05": "A05 A14 A28 A31",
    "ADT_A06": "A06 A07",
    "ADT_A09": "A09 A10 A11",
    "ADT_A21": "A21 A22 A23 A25 A26 A27 A29 A32 A33",
    "ADT_A30": "A30 A34 A35 A36 A46 A47 A48 A49",
    "ADT_A39": "A39 A40 A41 A42",
    "ADT_A43": "A43 A44",
    "ADT_A50": "A50 A51",
    "ADT_A52": "A52 A53",
    "ADT_A54": "A54 A55",
    "ADT_A61": "A61 A62",
    "MDM_T01": "T01 T03 T05 T07 T09 T11",
    "MDM_T02": "T02 T04 T06 T08 T10",
    "PPR_PC1": "PC1 PC2 PC3",
    "SIU_S12": "S12 S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 S26",
}
_STRUCTURE_OF = {
    f"{name[:3]}^{event}": name for name, events in _SHARED.items() for event in events.split() if event != name[4:]
}


def messages(version: str) -> dict[str, Any]:
    """Structure name (`OMS_O05`) to hl7apy's reference. Empty for an unknown version."""
    return _table(version, "messages", "MESSAGES")


def segments(version: str) -> dict[str, Any]:
    """Segment name to hl7apy's reference."""
    return _table(version, "segments", "SEGMENTS")


def table(version: str, number: str) -> tuple[str, ...]:
    """Values of a table (`HL70155`); empty for one whose values the site defines."""
    found = _table(version, "tables", "TABLES").get(number)
    return tuple(found[1]) if found else ()


def structure_of(message_type: str, version: str) -> str | None:
    """`ADT^A04` is written by the structure `ADT_A01`; None when the version has no such message."""
    code_and_event = "^".join(message_type.split("^")[:2])
    known = messages(version)
    for name in (code_and_event.replace("^", "_"), _STRUCTURE_OF.get(code_and_event), code_and_event.split("^")[0]):
        if name in known:
            return name
    return None


def first_version(message_type: str) -> str | None:
    """The version from which a message exists: `MFN^M16` from 2.6. None: in no version."""
    return next((version for version in VERSIONS if structure_of(message_type, version)), None)


def last_version(message_type: str) -> str | None:
    """The last version that has it: `ORM^O01` was withdrawn after 2.6."""
    return next((version for version in reversed(VERSIONS) if structure_of(message_type, version)), None)


@lru_cache(maxsize=64)
def _table(version: str, module: str, name: str) -> dict[str, Any]:
    if version not in VERSIONS:
        return {}
    try:
        found: dict[str, Any] = getattr(import_module(f"hl7apy.v{version.replace('.', '_')}.{module}"), name)
    except ModuleNotFoundError:
        return {}
    return found
