"""Is a supplier's master data complete and right? What is wrong is a list of places and words, never values."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from engine.canonical import Address, Identifier, Supplier
from engine.canonical.identifiers import identifier_fault
from engine.procure.suppliers.names import tax_numbers
from engine.procure.suppliers.numbers import bic_fault, iban_fault, routing_fault, tax_fault

_ZIP = re.compile(r"[0-9]{5}(-?[0-9]{4})?")
_STATE = re.compile(r"[A-Z]{2}")


class Fault(msgspec.Struct, frozen=True, order=True):
    """`missing`: it is not there yet; else it is there and wrong."""

    place: str
    what: str
    missing: bool = False


def faults_of(supplier: Supplier) -> list[Fault]:
    """Everything that stands against approving it, by place."""
    return sorted({*_missing(supplier), *_wrong(supplier)})


def _missing(supplier: Supplier) -> Iterator[Fault]:
    if not tax_numbers(supplier):
        yield Fault("tax_identifiers", "a tax number is wanted", missing=True)
    if supplier.address is None:
        yield Fault("address", "an address is wanted", missing=True)


def _wrong(supplier: Supplier) -> Iterator[Fault]:
    for number, tax in enumerate(supplier.tax_identifiers, 1):
        if what := tax_fault(tax):
            yield Fault(f"tax_identifiers[{number}]", what)
    for place, identifiers in _identifiers(supplier):
        for number, identifier in enumerate(identifiers, 1):
            if what := identifier_fault(identifier):
                yield Fault(f"{place}identifiers[{number}]", what)
    if supplier.address is not None:
        yield from _address_faults(supplier.address)
    yield from _bank_faults(supplier)


def _identifiers(supplier: Supplier) -> Iterator[tuple[str, tuple[Identifier, ...]]]:
    yield "", supplier.identifiers
    for site in supplier.sites:
        yield f"sites[{site.code}].", site.identifiers
    for remit_to in supplier.remit_tos:
        yield f"remit_tos[{remit_to.code}].", remit_to.identifiers


def _address_faults(address: Address) -> Iterator[Fault]:
    for name in ("street", "city"):
        if not getattr(address, name):
            yield Fault(f"address.{name}", "it is wanted", missing=True)
    if (address.country or "US") not in ("US", "USA"):
        return
    if not _ZIP.fullmatch(address.postal_code or ""):
        yield Fault("address.postal_code", "a ZIP code has five or nine digits", missing=not address.postal_code)
    if not _STATE.fullmatch(address.state or ""):
        yield Fault("address.state", "a state has two letters", missing=not address.state)


def _bank_faults(supplier: Supplier) -> Iterator[Fault]:
    codes = [one.code for one in supplier.bank_accounts]
    for account in supplier.bank_accounts:
        place = f"bank_accounts[{account.code}]"
        if codes.count(account.code) > 1:
            yield Fault(place, "two accounts have this code")
        if account.routing_number is not None and (what := routing_fault(account.routing_number)):
            yield Fault(f"{place}.routing_number", what)
        if account.iban is not None and (what := iban_fault(account.iban.reveal())):
            yield Fault(f"{place}.iban", what)
        if account.bic is not None and (what := bic_fault(account.bic)):
            yield Fault(f"{place}.bic", what)
        if account.account_number is None and account.iban is None:
            yield Fault(place, "an account number or an IBAN is wanted", missing=True)
    for remit_to in supplier.remit_tos:
        if remit_to.bank_account is not None and remit_to.bank_account not in codes:
            yield Fault(f"remit_tos[{remit_to.code}].bank_account", "no account of the supplier has this code")
