"""HL7 v2 in files: one message, several, batches or recorded MLLP frames; each message is taken in by itself."""

from __future__ import annotations

from collections.abc import Mapping

from engine.connectors.hl7v2_mllp.intake import Intake
from engine.ports.connector import ConnectorContext, Received
from engine.protocols.hl7v2 import split_file


class Hl7Splitter:
    """A message's natural id is its MSH-10, as it is over MLLP; one that cannot be read comes with its refusal."""

    def __init__(self, context: ConnectorContext) -> None:
        self._intake = Intake(context.channel, context.charset, strict=False)

    def split(self, data: bytes, attributes: Mapping[str, str]) -> list[Received]:
        """Raises StructureError when the file is not HL7 v2, or a batch is cut off."""
        return [self._intake.take(body, attributes).received for body in split_file(data).messages]
