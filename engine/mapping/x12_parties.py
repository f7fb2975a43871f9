"""N1 loops to parties and back."""

from __future__ import annotations

from collections.abc import Sequence

from engine.canonical import Address, Identifier, Party
from engine.canonical.identifiers import typed_identifier
from engine.core.errors import DataTypeError
from engine.mapping.x12_body import first, free_text, required, short_text
from engine.mapping.x12_codes import party_qualifier, party_scheme
from engine.protocols.x12 import Segment, SegmentValues

_STREET_WIDTH = 55


def read_parties(loops: Sequence[Sequence[Segment]]) -> tuple[Party, ...]:
    return tuple(_read_party(loop, n) for n, loop in enumerate(loops, 1))


def _read_party(loop: Sequence[Segment], number: int) -> Party:
    head = loop[0]
    role = required(head, 1, f"N101[{number}]")
    qualifier, code = head.get(3).strip(), head.get(4).strip()
    identifier = Identifier(scheme=party_scheme(qualifier), value=code) if qualifier and code else None
    return Party(role=role, name=short_text(head.get(2)), identifier=identifier, address=_read_address(loop))


def _read_address(loop: Sequence[Segment]) -> Address | None:
    street = ", ".join(part.strip() for s in loop if s.id == "N3" for part in s.parts[1:] if part.strip())
    place = first(loop, "N4")
    name = first(loop, "N2")
    parts = {
        "name": short_text(name.get(1)) if name else None,
        "street": short_text(street),
        "city": short_text(place.get(1)) if place else None,
        "state": short_text(place.get(2)) if place else None,
        "postal_code": short_text(place.get(3)) if place else None,
        "country": short_text(place.get(4)) if place else None,
    }
    return Address(**parts) if any(parts.values()) else None


def write_parties(parties: Sequence[Party]) -> list[SegmentValues]:
    segments: list[SegmentValues] = []
    for number, party in enumerate(parties, 1):
        identifier = party.identifier
        qualifier = party_qualifier(identifier.scheme, f"N103[{number}]") if identifier else ""
        if identifier:
            typed_identifier(identifier, f"N104[{number}]")  # what we send is right by its check digit
        segments.append(("N1", party.role, free_text(party.name), qualifier, identifier.value if identifier else ""))
        if party.address:
            segments += _write_address(party.address, number)
    return segments


def _write_address(address: Address, number: int) -> list[SegmentValues]:
    segments: list[SegmentValues] = []
    if address.name:
        segments.append(("N2", free_text(address.name)))
    if address.street:
        segments.append(("N3", *_street(free_text(address.street), number)))
    place = (free_text(address.city), address.state or "", address.postal_code or "", address.country or "")
    if any(place):
        segments.append(("N4", *place))
    return segments


def _street(street: str, number: int) -> tuple[str, ...]:
    """One N3 holds two lines of 55 characters; a comma parts them."""
    if len(street) <= _STREET_WIDTH:
        return (street,)
    at = street.rfind(", ", 0, _STREET_WIDTH + 2)
    if at < 1 or len(street) - at - 2 > _STREET_WIDTH:
        raise DataTypeError("a street of more than two lines of 55 characters", where=f"N301[{number}]")
    return street[:at], street[at + 2 :]
