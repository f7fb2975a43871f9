"""Names of legal entities made comparable, and which suppliers may be the same one. Never by where they are paid."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction

import msgspec

from engine.canonical import Supplier, TaxIdentifierType
from engine.canonical.entity_names import blind, normal_name
from engine.procure.suppliers.blocks import ALIKE, kept_under, looked_under


def tax_numbers(supplier: Supplier) -> frozenset[str]:
    """Digits and letters only, with the country in front."""
    found = {(one.country, one.value.reveal()) for one in supplier.tax_identifiers}
    if supplier.tax_identifier:
        found.add(("US", supplier.tax_identifier))
    return frozenset(f"{country.upper()}{re.sub(r'[^0-9A-Z]', '', value.upper())}" for country, value in found)


def identity_of(supplier: Supplier) -> str:
    """Digest of who it is before the law: an approval is for this, and for nothing else."""
    return blind("\n".join([normal_name(supplier.registered_name), *sorted(tax_numbers(supplier))]))


def same_entity_dossiers(supplier: Supplier) -> Iterator[str]:
    """Where a supplier is found by those that may be the same legal entity: by tax number, and by its name."""
    yield from _tax_dossiers(supplier)
    yield from kept_under(supplier.registered_name)


def other_entity_dossiers(supplier: Supplier) -> Iterator[str]:
    """Where it finds those."""
    yield from _tax_dossiers(supplier)
    yield from looked_under(supplier.registered_name)


def _tax_dossiers(supplier: Supplier) -> Iterator[str]:
    return (f"supplier-tax:{blind(number)}" for number in sorted(tax_numbers(supplier)))


class Alike(msgspec.Struct, frozen=True, order=True):
    """Two numbers that may be one legal entity, and why: codes `same_tax_number`, `same_name`, `similar_name`."""

    one: str
    other: str
    why: tuple[str, ...]

    @property
    def sure(self) -> bool:
        return "same_tax_number" in self.why


def alike(one: Supplier, other: Supplier) -> Alike | None:
    """Different tax numbers of one kind tell two entities apart, however alike their names are. A sole proprietor has
    two: as a person and as an employer."""
    why = []
    mine, theirs = tax_numbers(one), tax_numbers(other)
    if mine & theirs:
        why.append("same_tax_number")
    elif _kinds(one) & _kinds(other):
        return None
    names = normal_name(one.registered_name), normal_name(other.registered_name)
    if names[0] == names[1]:
        why.append("same_name")
    elif _overlap(*names) >= ALIKE:
        why.append("similar_name")
    first, second = sorted((one.supplier_number, other.supplier_number))
    return Alike(first, second, tuple(why)) if why else None


def _kinds(supplier: Supplier) -> set[tuple[str, TaxIdentifierType]]:
    """Country and type of its tax numbers."""
    found = {(one.country.upper(), one.type) for one in supplier.tax_identifiers}
    return found | ({("US", TaxIdentifierType.EIN)} if supplier.tax_identifier else set())


def _overlap(one: str, other: str) -> Fraction:
    mine, theirs = set(one.split()), set(other.split())
    return Fraction(len(mine & theirs), len(mine | theirs) or 1)


def pairs(suppliers: Iterable[Supplier]) -> list[Alike]:
    """All pairs that may be one, sorted; merged ones are left out."""
    known = {one.supplier_number: one for one in suppliers if one.merged_into is None and one.active}
    places: defaultdict[str, list[str]] = defaultdict(list)
    for number, one in known.items():
        for place in same_entity_dossiers(one):
            places[place].append(number)
    met = {
        (number, other)
        for number, one in known.items()
        for place in other_entity_dossiers(one)
        for other in places.get(place, ())
        if number < other
    }
    found = (alike(known[one], known[other]) for one, other in met)
    return sorted(one for one in found if one is not None)
