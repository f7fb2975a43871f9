"""HL7 v2 without I/O: framing, a lossless message view, acknowledgements, batches, conformance."""

from engine.protocols.hl7v2.file import Hl7File, read_file, split_file
from engine.protocols.hl7v2.findings import Finding, FindingCode
from engine.protocols.hl7v2.header import Header, check_charset, peek
from engine.protocols.hl7v2.message import Hl7Message
from engine.protocols.hl7v2.reading import NULL
from engine.protocols.hl7v2.segment import Group, Segment

__all__ = [
    "NULL",
    "Finding",
    "FindingCode",
    "Group",
    "Header",
    "Hl7File",
    "Hl7Message",
    "Segment",
    "check_charset",
    "peek",
    "read_file",
    "split_file",
]
