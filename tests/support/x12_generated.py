"""The documents of x12_documents.py from a seed, ten times as fast: for the long forms, where nothing is shrunk.

A failure is repeated by its seed. Everything is invented.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

from engine.canonical import (
    AcknowledgedLine,
    Address,
    Adjustment,
    AdviceAction,
    AdvisedDocument,
    AdvisedFault,
    ApplicationAdvice,
    Charge,
    Identifier,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    LineAnswer,
    Money,
    OrderAcknowledgement,
    OrderLine,
    Party,
    PurchaseOrder,
    Quantity,
    Remittance,
    RemittanceLine,
    ShipmentNotice,
    ShippedLine,
    Terms,
)
from engine.canonical.identifiers.check_digits import dea_check_digit, gs1_check_digit
from tests.support.x12_documents import _ACTIONS, _TEXT, _WORD

T = TypeVar("T")
_INNER = _TEXT + "*>~^|"
_CODE = "ABCDEFGHJKLMNP0123456789"
_FIRST_DAY = date(2001, 1, 1)
_PARTY_SCHEMES = ("GLN", "HIN", "DEA", "DUNS", "SUPPLIER_ASSIGNED", "BUYER_ASSIGNED", "ZZ")
_ITEM_SCHEMES = (
    *("GTIN", "UPC", "EAN", "VENDOR_CATALOG", "VENDOR_ITEM", "MANUFACTURER_PART", "NDC", "LOT", "SERIAL", "PI"),
)
_UNMARKED = tuple(one for one in _ITEM_SCHEMES if one not in ("LOT", "SERIAL"))  # lines have fields for these
_SHIPPED_SCHEMES = ("GTIN", "VENDOR_ITEM", "NDC", "MANUFACTURER_PART")
_ROLES = ("BY", "ST", "BT", "SU", "SE", "VN", "RE", "RI")


class Making:
    """One document after the other from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.one: Callable[[Sequence[Any]], Any] = self.random.choice
        self.number = self.random.randint

    # ---- texts, numbers, days
    def text(self, longest: int, shortest: int = 1) -> str:
        """Without blanks at the ends; one of four is short, one as long as may be."""
        chance = self.random.random()
        least = max(shortest, 2)
        size = longest if chance < 0.1 else self.number(least, min(longest, 12) if chance < 0.6 else longest)
        inner = "".join(self.random.choices(_INNER, k=size - 2))
        return f"{self.one(_WORD)}{inner}{self.one(_WORD)}"

    def code(self, longest: int, shortest: int = 2) -> str:
        return "".join(self.random.choices(_CODE, k=self.number(shortest, longest)))

    def digits(self, count: int) -> str:
        return "".join(self.random.choices("0123456789", k=count))

    def day(self) -> date:
        return _FIRST_DAY + timedelta(days=self.number(0, 21_914))

    def decimal(self, low: int, high: int, places: int) -> Decimal:
        return Decimal(self.number(low, high)).scaleb(-places)

    def maybe(self, make: Callable[..., T], *sizes: Any) -> T | None:
        return make(*sizes) if self.random.random() < 0.5 else None

    def some(self, most: int, make: Callable[..., T], *sizes: Any, least: int = 0) -> tuple[T, ...]:
        return tuple(make(*sizes) for _ in range(self.number(least, most)))

    # ---- parts
    def cents(self, currency: str) -> Money:
        return Money(amount=self.decimal(-999_999, 999_999, 2), currency=currency)

    def price(self, currency: str) -> Money:
        return Money(amount=self.decimal(0, 999_999_999, 4), currency=currency)

    def quantity(self) -> Quantity:
        return Quantity(amount=self.decimal(1, 99_999_000, 3), unit=self.one(("EA", "BX", "CA", "DZ", "PK")))

    def currency(self) -> str:
        return str(self.one(("USD", "CAD", "EUR")))

    def _gs1(self, count: int) -> str:
        digits = self.digits(count - 1)
        return digits + gs1_check_digit(digits)

    def _dea(self) -> str:
        digits = self.digits(6)
        return str(self.one(("AB", "BC", "F9"))) + digits + dea_check_digit(digits)

    def identifier(self, scheme: str, longest: int, shortest: int = 1) -> Identifier:
        """Right by the check digit of its list; all other lists hold any text."""
        sizes = {"GLN": 13, "GTIN": 14, "UPC": 12, "EAN": 13}
        plain = {"DUNS": 9, "NDC": 11}
        if scheme in sizes:
            return Identifier(scheme=scheme, value=self._gs1(sizes[scheme]))
        if scheme in plain:
            return Identifier(scheme=scheme, value=self.digits(plain[scheme]))
        if scheme in ("HIN", "DEA"):
            return Identifier(scheme=scheme, value=self.code(9, 9) if scheme == "HIN" else self._dea())
        return Identifier(scheme=scheme, value=self.text(longest, shortest))

    def identifiers(self, schemes: Sequence[str] = _ITEM_SCHEMES, most: int = 4) -> tuple[Identifier, ...]:
        return tuple(self.identifier(one, 48) for one in self.random.sample(schemes, self.number(0, most)))

    def reference(self) -> Identifier:
        return Identifier(scheme=self.one(("CO", "BM", "ZZ", "YD", "VR")), value=self.text(30))

    def address(self) -> Address:
        return Address(
            name=self.maybe(self.text, 60),
            street=self.text(55),
            city=self.maybe(self.text, 30, 2),
            state=self.maybe(self.code, 2),
            postal_code=self.maybe(self.code, 15, 3),
            country=self.maybe(self.code, 3),
        )

    def party(self) -> Party:
        identified = self.identifier(self.one(_PARTY_SCHEMES), 80, 2) if self.random.random() < 0.5 else None
        name = self.text(60)
        return Party(role=self.one(_ROLES), name=name, identifier=identified, address=self.maybe(self.address))

    def charge(self, currency: str) -> Charge:
        code = self.one(("D240", "C310", "F340", "OWNFREIGHT"))
        return Charge(code=code, amount=self.cents(currency), description=self.maybe(self.text, 80))

    def terms(self, currency: str) -> Terms | None:
        kind = self.number(0, 2)
        if kind == 0:
            return None
        if kind == 1:
            return Terms(net_days=self.number(0, 999), description=self.maybe(self.text, 80))
        amount = Money(amount=self.decimal(1, 9_999_999, 2), currency=currency)
        return Terms(
            net_days=self.maybe(self.number, 0, 999),
            discount_percent=self.decimal(1, 9_999, 2),
            discount_days=self.number(0, 999),
            discount_amount=self.one((None, amount)),
        )

    # ---- documents
    def purchase_order(self) -> PurchaseOrder:
        currency = self.currency()
        return PurchaseOrder(
            order_number=self.text(22),
            supplier_number=self.text(30),
            ordered_on=self.day(),
            lines=tuple(self._order_line(number, currency) for number in range(1, self.number(1, 4) + 1)),
            purpose=self.one(("00", "01", "05", "06")),
            order_type=self.one(("NE", "SA", "CN", "RO", "DS")),
            currency=currency,
            release_number=self.maybe(self.text, 30),
            contract_number=self.maybe(self.text, 30),
            department=self.maybe(self.text, 30),
            case_reference=self.maybe(self.text, 30),
            needed_by=self.maybe(self.day),
            parties=self.some(3, self.party),
            references=self.some(3, self.reference),
            charges=self.some(3, self.charge, currency),
            terms=self.terms(currency),
            notes=self.some(3, self.text, 200),
        )

    def _order_line(self, number: int, currency: str) -> OrderLine:
        return OrderLine(
            number=number,
            item_number=self.text(48),
            quantity=self.quantity(),
            price=self.price(currency),
            description=self.one((None, " ".join(self.some(4, self.text, 40, least=1)))),
            identifiers=self.identifiers(_UNMARKED),
            lot=self.maybe(self.text, 20),
            serial=self.maybe(self.text, 20),
            cost_center=self.maybe(self.text, 30),
            contract_number=self.maybe(self.text, 30),
            needed_by=self.maybe(self.day),
        )

    def invoice(self) -> Invoice:
        currency = self.currency()
        fields: dict[str, Any] = {
            "invoice_number": self.text(22),
            "supplier_number": self.text(30),
            "invoiced_on": self.day(),
            "case_reference": self.maybe(self.text, 30),
            "lines": tuple(self._invoice_line(number, currency) for number in range(1, self.number(1, 4) + 1)),
            "invoice_kind": self.one(tuple(InvoiceKind)),
            "order_number": self.maybe(self.text, 22),
            "ordered_on": self.maybe(self.day),
            "currency": currency,
            "parties": self.some(3, self.party),
            "references": self.some(3, self.reference),
            "charges": self.some(3, self.charge, currency),
            "taxes": self.some(2, self._tax, currency),
            "terms": self.terms(currency),
            "shipped_on": self.maybe(self.day),
        }
        zero = Money(amount=Decimal(0), currency=currency)
        if fields["invoice_kind"] is InvoiceKind.CREDIT_MEMO:
            fields["original_invoice_number"] = self.one((None, f"X{fields['invoice_number']}"[:22]))
        return Invoice(**fields, stated_total=Invoice(**fields, stated_total=zero).total)

    def _tax(self, currency: str) -> Charge:
        return Charge(code=self.one(("ST", "TX", "GS")), amount=self.cents(currency))

    def _invoice_line(self, number: int, currency: str) -> InvoiceLine:
        return InvoiceLine(
            number=number,
            quantity=self.quantity(),
            price=self.price(currency),
            item_number=self.text(48),
            description=self.maybe(self.text, 80),
            identifiers=self.identifiers(_UNMARKED),
            lot=self.maybe(self.text, 20),
            serial=self.maybe(self.text, 20),
            order_number=self.maybe(self.text, 22),
            case_reference=self.maybe(self.text, 30),
            order_line_number=self.maybe(self.number, 1, 9999),
            cost_center=self.maybe(self.text, 30),
            natural_account=self.maybe(self.text, 30),
        )

    def order_acknowledgement(self) -> OrderAcknowledgement:
        currency = self.currency()
        return OrderAcknowledgement(
            order_number=self.text(22),
            supplier_number=self.text(30),
            acknowledged_on=self.day(),
            acknowledgement_type=self.one(("AC", "AD", "AK", "RJ")),
            lines=tuple(self._acknowledged(number, currency) for number in range(1, self.number(0, 4) + 1)),
            purpose=self.one(("00", "05")),
            acknowledgement_number=self.maybe(self.text, 30),
            currency=currency,
            parties=self.some(3, self.party),
            references=self.some(3, self.reference),
        )

    def _acknowledged(self, number: int, currency: str) -> AcknowledgedLine:
        return AcknowledgedLine(
            order_line_number=number,
            answers=self.some(3, self._answer, least=1),
            quantity=self.maybe(self.quantity),
            price=self.maybe(self.price, currency),
            item_number=self.text(48),
            identifiers=self.identifiers(),
        )

    def _answer(self) -> LineAnswer:
        code = self.one(sorted(_ACTIONS))
        quantity, day = self.maybe(self.quantity), self.maybe(self.day)
        return LineAnswer(action=_ACTIONS[code], code=code, quantity=quantity, expected_on=day)

    def shipment_notice(self) -> ShipmentNotice:
        return ShipmentNotice(
            shipment_number=self.text(30, 2),
            supplier_number=self.text(30, 2),
            noticed_on=self.day(),
            lines=self.some(5, self._shipped, least=1),
            shipped_on=self.maybe(self.day),
            expected_on=self.maybe(self.day),
            carrier=self.maybe(self.code, 4),
            bill_of_lading=self.maybe(self.text, 30),
            tracking_number=self.maybe(self.text, 30),
            purpose=self.one(("00", "01", "05")),
            parties=self.some(3, self.party),
        )

    def _shipped(self) -> ShippedLine:
        return ShippedLine(
            quantity=self.quantity(),
            order_number=self.maybe(self.text, 22),
            order_line_number=self.maybe(self.number, 1, 9999),
            item_number=self.text(48),
            identifiers=self.identifiers(_SHIPPED_SCHEMES, 3),
            lot=self.maybe(self.text, 20),
            serial=self.maybe(self.text, 20),
            expires_on=self.maybe(self.day),
            package=self.maybe(self.code, 20, 18),
        )

    def remittance(self) -> Remittance:
        currency = self.currency()
        return Remittance(
            remittance_number=self.text(30),
            supplier_number=self.text(30),
            paid_on=self.day(),
            amount=self.cents(currency),
            lines=self.some(4, self._remitted, currency),
            method=self.one(("ACH", "CHK", "FWT")),
            adjustments=self.some(2, self._adjustment, currency),
            parties=self.some(3, self.party),
        )

    def _adjustment(self, currency: str) -> Adjustment:
        return Adjustment(amount=self.cents(currency), reason=self.code(2), reference=self.maybe(self.reference))

    def _remitted(self, currency: str) -> RemittanceLine:
        return RemittanceLine(
            scheme=self.one(("IV", "CM", "PO")),
            number=self.text(30),
            paid=self.cents(currency),
            invoiced=self.maybe(self.cents, currency),
            discount=self.maybe(self.cents, currency),
            dated_on=self.maybe(self.day),
            adjustments=self.some(2, self._adjustment, currency),
        )

    def application_advice(self) -> ApplicationAdvice:
        makers = (self._traced, self._advised)
        return ApplicationAdvice(
            advice_number=self.text(30),
            supplier_number=self.text(30),
            documents=tuple(makers[number % 2]() for number in range(1, self.number(1, 2) + 1)),
            advised_on=self.day(),
            purpose=self.one(("00", "11", "44")),
            parties=self.some(2, self.party),
        )

    def _traced(self) -> AdvisedDocument:
        group, number = str(self.number(1, 999_999_999)), f"{self.number(1, 9999):04d}"
        action = self.one(tuple(AdviceAction))
        return AdvisedDocument(action=action, scheme="IV", number=self.text(30), group_number=group, set_number=number)

    def _advised(self) -> AdvisedDocument:
        return AdvisedDocument(
            action=self.one(tuple(AdviceAction)),
            scheme=self.one(("IV", "PO", "TN")),
            number=self.text(30),
            transaction_set=self.one((None, "810", "850")),
            faults=self.some(3, self._fault),
            references=self.some(3, self.reference),
        )

    def _fault(self) -> AdvisedFault:
        return AdvisedFault(
            code=self.one(("006", "007", "010", "011", "024", "ZZZ")),
            text=self.maybe(self.text, 60),
            segment=self.one(("BIG", "IT1", "TDS")),
            position=self.number(1, 999_999),
            element=self.number(1, 99),
        )
