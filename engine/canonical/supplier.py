"""Suppliers: who they are before the law, where they are paid, and how far we trust them.

A supplier is a legal entity, told from others by its name and tax numbers, never by where it is paid.
Sources: IRS forms W-9 and 1099; X12 N1 loops (SE, RI, SU); domain rules on supplier masters.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from engine.canonical.base import Code, Document, Effective, Text, Value
from engine.canonical.guarded import Guarded
from engine.canonical.party import Address, Identifier


class SupplierStatus(StrEnum):
    """Only `approved` may be ordered from and paid."""

    ONBOARDING = "onboarding"
    APPROVED = "approved"
    HELD = "held"
    MERGED = "merged"


class TaxIdentifierType(StrEnum):
    EIN = "ein"
    SSN = "ssn"
    ITIN = "itin"
    VAT = "vat"
    OTHER = "other"


class TaxIdentifier(Value):
    """A tax number; an SSN is a person's, so all are masked where they are printed."""

    type: TaxIdentifierType
    value: Guarded
    country: Code = "US"


class BankAccount(Value):
    """Where money goes. It may be paid to once a second person verified it: `verified_by` is not `changed_by`."""

    code: Code = Field(description="Our name for the account; remit-to's refer to it.")
    routing_number: Code | None = Field(default=None, description="ABA routing number, nine digits.")
    bic: Code | None = None
    account_number: Guarded | None = Field(default=None, description="Masked where it is printed.")
    iban: Guarded | None = Field(default=None, description="Masked where it is printed.")
    bank_name: Text | None = None
    holder: Text | None = None
    currency: str = "USD"
    changed_by: Code | None = None
    changed_at: AwareDatetime | None = None
    verified_by: Code | None = None
    verified_on: date | None = None
    verification: Code | None = Field(default=None, description="How: call_back, micro_deposit, bank_letter …")
    active: bool = True

    @property
    def is_verified(self) -> bool:
        """A second person stands for it."""
        return self.verified_by is not None and self.verified_on is not None and self.verified_by != self.changed_by


class RemitTo(Effective):
    """An address that invoices may ask to be paid at."""

    code: Code
    name: Text | None = None
    address: Address | None = None
    identifiers: tuple[Identifier, ...] = ()
    bank_account: Code | None = Field(default=None, description="`code` of one of the supplier's bank accounts.")
    payment_method: Code | None = None
    active: bool = True


class SitePurpose(StrEnum):
    ORDER_FROM = "order_from"
    PAY = "pay"
    SHIP_FROM = "ship_from"
    RETURN_TO = "return_to"


class SupplierSite(Effective):
    """A place of the supplier with a purpose: where orders go, where it is paid."""

    code: Code
    purpose: SitePurpose
    name: Text | None = None
    address: Address | None = None
    identifiers: tuple[Identifier, ...] = Field(default=(), description="GLN, DUNS, HIN of this place.")
    email: Text | None = None
    facilities: tuple[Code, ...] = Field(default=(), description="Facilities that it serves; none: all.")
    active: bool = True


class SanctionsCheck(Value):
    """What a list of sanctioned parties said of the legal entity; `is_clear` False: a person must look."""

    list_name: Code
    checked_at: AwareDatetime
    is_clear: bool
    reference: Code | None = None


class Supplier(Document):
    """A legal entity that we buy from. `supplier_number` is our number for it, the ERP's party code."""

    kind: ClassVar[str] = "Supplier"
    version: ClassVar[str] = "1.1"

    supplier_number: Code
    name: Text
    tax_identifier: Code | None = Field(default=None, repr=False)
    identifiers: tuple[Identifier, ...] = ()
    address: Address | None = None
    email: Text | None = None
    payment_terms_days: int | None = None
    active: bool = True
    legal_name: Text | None = Field(default=None, description="As the tax authority knows it; none: `name` is it.")
    doing_business_as: tuple[Text, ...] = ()
    parent_number: Code | None = Field(default=None, description="The supplier that owns this one.")
    tax_identifiers: tuple[TaxIdentifier, ...] = ()
    remit_tos: tuple[RemitTo, ...] = ()
    sites: tuple[SupplierSite, ...] = ()
    bank_accounts: tuple[BankAccount, ...] = ()
    status: SupplierStatus = SupplierStatus.APPROVED
    hold_reason: Text | None = None
    merged_into: Code | None = Field(default=None, description="Of a merged supplier: the number that goes on.")
    classification: Code | None = Field(default=None, description="strategic, standard, spot, distributor, service …")
    categories: tuple[Code, ...] = Field(default=(), description="What is bought from it.")
    tax_class: Code | None = Field(default=None, description="1099 class: NEC-1, MISC-1 …, none when exempt.")
    payment_method: Code | None = Field(default=None, description="ACH, CHK, FWT, VCC …")
    currency: str = "USD"
    evaluated_receipt: bool = Field(default=False, description="It is paid by what is received, without invoices.")
    requested_by: Code | None = None
    approved_by: Code | None = None
    sanctions_checks: tuple[SanctionsCheck, ...] = ()
    system_numbers: tuple[Identifier, ...] = Field(
        default=(), description="Its number in each system: scheme is the system, value the number there."
    )

    @property
    def natural_key(self) -> str:
        return self.supplier_number

    @property
    def registered_name(self) -> str:
        return self.legal_name or self.name

    @property
    def may_be_paid(self) -> bool:
        return self.active and self.status is SupplierStatus.APPROVED

    def remit_to(self, code: str) -> RemitTo | None:
        return next((one for one in self.remit_tos if one.code == code), None)

    def bank_account(self, code: str) -> BankAccount | None:
        return next((one for one in self.bank_accounts if one.code == code), None)
