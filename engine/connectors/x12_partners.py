"""Trading partners as the X12 core needs them, found by what an interchange or a document says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.channel.partner import Partner
from engine.core.errors import ConfigurationError, DestinationError
from engine.protocols.x12 import EnvelopePolicy, Interchange, PartnerIdentity, Separators

SERVICE = "x12_partners"  # name of the partners in ConnectorContext.services


def identity(partner: Partner) -> PartnerIdentity:
    """A segment separator of two characters is one with a line break after it."""
    given = partner.separators
    return PartnerIdentity(
        name=partner.partner,
        isa_qualifier=partner.isa_qualifier,
        isa_id=partner.isa_id.strip(),
        gs_id=partner.gs_id or partner.isa_id.strip(),
        our_isa_qualifier=partner.our_isa_qualifier,
        our_isa_id=partner.our_isa_id.strip(),
        our_gs_id=partner.our_gs_id or partner.our_isa_id.strip(),
        version=partner.version,
        usage_indicator=partner.usage_indicator,
        envelope=EnvelopePolicy(partner.envelope),
        separators=Separators(given.element, given.component, given.segment[0], given.repetition),
        request_ta1=partner.request_ta1,
        line_break=given.line_break or given.segment[1:] == "\n",
        rules=partner.rules,
    )


class Partners:
    """All partners of a site, by name. The mapping is not copied: what is deployed into it is seen."""

    def __init__(self, partners: Mapping[str, Partner]) -> None:
        self._by_name = partners

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def named(self, name: str) -> Partner:
        try:
            return self._by_name[name]
        except KeyError:
            remedy = f"add config/partners/{name}.yaml"
            raise ConfigurationError("there is no such trading partner", where=name, remedy=remedy) from None

    def sender_of(self, interchange: Interchange) -> Partner | None:
        """By ISA05 and ISA06; of several, the one whose ISA07 and ISA08 for us are right as well."""
        header = interchange.header
        return self._found(header.get(5).strip(), header.get(6).strip(), header.get(7).strip(), header.get(8).strip())

    def by_sender(self, qualifier: str, isa_id: str) -> Partner:
        found = self._found(qualifier, isa_id, "", "")
        if found is None:
            raise DestinationError("no trading partner has this sender id", remedy="add it in config/partners")
        return found

    def of_supplier(self, supplier_number: str) -> Partner:
        found = next((p for p in self._by_name.values() if p.supplier_number == supplier_number), None)
        if found is None:
            remedy = "give a partner in config/partners this supplier_number, or name the partner at the destination"
            raise DestinationError("no trading partner has this supplier number", remedy=remedy)
        return found

    def _found(self, qualifier: str, isa_id: str, our_qualifier: str, our_id: str) -> Partner | None:
        same = [p for p in self._by_name.values() if (p.isa_qualifier, p.isa_id.strip()) == (qualifier, isa_id)]
        exact = (p for p in same if (p.our_isa_qualifier, p.our_isa_id.strip()) == (our_qualifier, our_id))
        return next(exact, same[0] if same else None)


def partners_of(services: Mapping[str, Any]) -> Partners:
    """The service may be a mapping by name or a list; without it there are no partners."""
    given = services.get(SERVICE, ())
    return Partners(given if isinstance(given, Mapping) else {partner.partner: partner for partner in given})
