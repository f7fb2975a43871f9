"""What a core has to know of a trading partner; where it is kept is no matter here."""

from __future__ import annotations

from dataclasses import dataclass

from engine.protocols.x12.delimiters import DEFAULT_SEPARATORS, Separators
from engine.protocols.x12.overlay import Rule
from engine.protocols.x12.segments import EnvelopePolicy, Interchange


@dataclass(frozen=True, slots=True)
class PartnerIdentity:
    """Both sides of an interchange, seen from us.

    Args:
        isa_qualifier, isa_id, gs_id: the partner's; ids without padding.
        our_isa_qualifier, our_isa_id, our_gs_id: ours towards this partner.
        version: GS08 of what we send, `004010` or `005010`.
        usage_indicator: ISA15 of what we send; what comes in must carry the same.
        request_ta1: ISA14 of what we send.
        rules: what its guide asks beyond the standard, of what we send.
        line_break: a line feed after each segment that we send.
    """

    name: str
    isa_qualifier: str
    isa_id: str
    gs_id: str
    our_isa_qualifier: str
    our_isa_id: str
    our_gs_id: str
    version: str = "004010"
    usage_indicator: str = "P"
    envelope: EnvelopePolicy = EnvelopePolicy.STRICT
    separators: Separators = DEFAULT_SEPARATORS
    request_ta1: bool = False
    line_break: bool = False
    rules: tuple[Rule, ...] = ()

    def sent(self, interchange: Interchange) -> bool:
        """Whether ISA05 and ISA06 name this partner."""
        header = interchange.header
        return (header.get(5), header.get(6).strip()) == (self.isa_qualifier, self.isa_id)
