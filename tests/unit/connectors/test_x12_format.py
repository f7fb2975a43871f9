"""X12 files at the door and on the way out: one message an interchange, one number a delivery."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from engine.canonical import (
    AdviceAction,
    AdvisedDocument,
    ApplicationAdvice,
    ChangeBy,
    Consumption,
    ConsumptionLine,
    Contract,
    ContractLine,
    Document,
    InventoryLevel,
    Invoice,
    InvoiceLine,
    Money,
    OrderAcknowledgement,
    OrderChange,
    OrderLine,
    PurchaseOrder,
    Quantity,
    Remittance,
    ShipmentNotice,
    ShippedLine,
    Supplier,
)
from engine.channel.partner import AgreedSets, Overlay, Partner, Separators
from engine.connectors.file.settings import FileSourceSettings
from engine.connectors.intake import FileMessages
from engine.connectors.x12_format import X12Encoder, X12Splitter
from engine.core.clock import SystemClock
from engine.core.errors import ConfigurationError, DestinationError, FramingError, StoreError
from engine.mapping.x12_850 import purchase_order_from_850
from engine.ports.connector import ConnectorContext, Outbound
from engine.ports.ledger import OutboundNumber
from engine.protocols.x12 import answer, decode_answer, judge, read
from engine.script.x12 import open_interchange
from tests.support import x12_samples as samples

MADE_AT = datetime(2026, 11, 20, 8, 15, tzinfo=UTC)


class Ledger:
    """Numbers in memory: the next for a new key, the same for a known one."""

    def __init__(self) -> None:
        self.given: dict[tuple[str, str], OutboundNumber] = {}

    async def allocate(self, partner: str, delivery_key: str, transaction_set: str) -> OutboundNumber:
        number = OutboundNumber(partner, len(self.given) + 1, delivery_key, transaction_set, MADE_AT)
        return self.given.setdefault((partner, delivery_key), number)


class LedgerAway(Ledger):
    async def allocate(self, partner: str, delivery_key: str, transaction_set: str) -> OutboundNumber:
        raise StoreError("the store is away")


LAKESIDE = Partner(
    partner="lakeside", supplier_number="S1001", isa_qualifier="ZZ", isa_id="LAKESIDE", our_isa_id="HARBORHEALTH"
)
SEASIDE = Partner(
    partner="seaside",
    supplier_number="S1002",
    isa_qualifier="01",
    isa_id="080214466",
    our_isa_id="HARBORHEALTH",
    version="005010",
    envelope="tolerant",
    acknowledge=False,
    separators=Separators(segment="~\n"),
)


def context(ledger: Ledger | None = None, partners: Mapping[str, Partner] | None = None) -> ConnectorContext:
    known = {"lakeside": LAKESIDE, "seaside": SEASIDE} if partners is None else partners
    unused: Any = None
    return ConnectorContext(
        name="orders.outbox",
        channel="orders",
        root=Path(),
        clock=SystemClock(),
        secrets=unused,
        ledger=ledger or Ledger(),  # type: ignore[arg-type]
        services={"x12_partners": known},
    )


def order(supplier: str = "S1001", quantity: str = "5") -> PurchaseOrder:
    return PurchaseOrder(
        order_number="PO-1",
        supplier_number=supplier,
        ordered_on=date(2026, 11, 20),
        lines=(
            OrderLine(
                number=1,
                item_number="100234",
                quantity=Quantity(amount=Decimal(quantity)),
                price=Money(amount=Decimal("2.50")),
            ),
        ),
    )


def outbound(body: bytes, kind: str | None, key: str = "m1.0.outbox") -> Outbound:
    return Outbound(1, 1, "orders", "c1", key, body, kind=kind)


def order_out(one: PurchaseOrder, key: str = "m1.0.outbox") -> Outbound:
    return outbound(one.model_dump_json().encode(), "PurchaseOrder", key)


# ------------------------------------------------------------------ in
def test_each_interchange_of_a_file_is_a_message_of_its_own_bytes() -> None:
    first, second = samples.interchange(), samples.interchange(end="~\n").replace(b"000000501", b"000000502")

    messages = X12Splitter(context()).split(b"\xef\xbb\xbf" + first + b"\r\n" + second, {"file": "a.edi"})

    assert [m.body for m in messages] == [first, second.rstrip(b"\n")]
    assert [m.attributes["control_number"] for m in messages] == ["000000501", "000000502"]
    assert {(m.scope, m.message_type, m.refusal) for m in messages} == {("lakeside", "850", None)}
    assert messages[0].attributes["file"] == "a.edi"


def test_partner_says_policy_and_whether_it_wants_to_be_answered() -> None:
    data = samples.interchange().replace(b"*ZZ*LAKESIDE       *", b"*01*080214466      *")

    attributes = X12Splitter(context()).split(data, {})[0].attributes

    assert (attributes["partner"], attributes["envelope"], attributes["acknowledge"]) == ("seaside", "tolerant", "no")


def test_stranger_is_refused_at_the_door() -> None:
    data = samples.interchange().replace(b"LAKESIDE       *", b"STRANGER       *")

    refusal = X12Splitter(context()).split(data, {})[0].refusal

    assert refusal is not None
    assert (refusal.code, refusal.where) == ("X006", "ISA06")


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [(b"HARBORHEALTH   *", b"HARBORCLINIC   *", "009"), (b"*0*P*>", b"*0*T*>", "020")],
)
def test_what_was_not_meant_for_us_is_answered_by_ta1_acts_on_nothing_and_uses_no_number(
    old: bytes, new: bytes, note: str
) -> None:
    message = X12Splitter(context()).split(samples.interchange().replace(old, new), {})[0]

    opened = open_interchange(message.body, message.attributes)

    assert "control_number" not in message.attributes
    assert opened.refusal is not None
    assert opened.refusal.code == f"X{note}"
    assert list(opened.sets) == []
    assert opened.answer is not None
    told = decode_answer(opened.answer.body).interchange_acknowledgement
    assert told is not None
    assert told[4:] == ("R", note)


def test_site_without_partners_takes_any_sender() -> None:
    message = X12Splitter(context(partners={})).split(samples.interchange(), {})[0]

    assert message.refusal is None
    assert message.scope == "ZZ:LAKESIDE"


def test_text_outside_of_interchanges_is_kept_and_refused() -> None:
    messages = X12Splitter(context()).split(b"hello\n" + samples.interchange() + b"bye", {})

    assert [m.refusal.code if m.refusal else None for m in messages] == ["X903", None, "X903"]
    assert messages[0].body == b"hello\n"


def test_a_terminator_too_many_after_an_interchange_is_no_message() -> None:
    messages = X12Splitter(context()).split(samples.interchange(end="~~\n") + samples.interchange() + b"~\n", {})

    assert [m.refusal.code if m.refusal else None for m in messages] == [None, None]


def test_acknowledgements_alone_have_the_type_ta1() -> None:
    data = "".join(f"{s}~" for s in (samples.ISA, "TA1*000000031*261119*0700*A*000", "IEA*0*000000501")).encode()

    assert X12Splitter(context()).split(data, {})[0].message_type == "TA1"


def test_file_without_an_interchange_is_refused_as_a_whole() -> None:
    with pytest.raises(FramingError):
        X12Splitter(context()).split(b"MSH|^~\\&|", {})


# ------------------------------------------------------------------ out
async def test_order_goes_to_the_partner_of_its_supplier_and_reads_as_the_same_order() -> None:
    encoded = await X12Encoder({"partner": None}, context()).encode(order_out(order()))

    interchange = read(encoded.body).interchanges[0]
    outcome = judge(interchange)
    assert outcome.all_findings == ()
    assert interchange.header.get(8).strip() == "LAKESIDE"
    assert purchase_order_from_850(interchange.groups[0].sets[0]) == order()
    assert encoded.names == {"control_number": "000000001", "partner": "lakeside"}


async def test_same_delivery_has_the_same_bytes_and_another_has_another_number() -> None:
    encoder = X12Encoder({}, context())

    first = await encoder.encode(order_out(order()))
    again = await encoder.encode(order_out(order()))
    other = await encoder.encode(order_out(order(), "m2.0.outbox"))

    assert first == again
    assert other.names["control_number"] == "000000002"


async def test_partner_sets_version_separators_and_line_breaks() -> None:
    encoded = await X12Encoder({"partner": "seaside"}, context()).encode(order_out(order()))

    assert b"*^*00501*000000001*0*P*>~\nGS*PO*HARBORHEALTH*080214466*" in encoded.body
    assert read(encoded.body).findings == ()


async def test_invoice_becomes_an_810() -> None:
    line = InvoiceLine(number=1, quantity=Quantity(amount=Decimal(2)), price=Money(amount=Decimal("61.725")))
    invoice = Invoice(
        invoice_number="INV-1",
        supplier_number="S1001",
        invoiced_on=date(2026, 11, 20),
        stated_total=Money(amount=Decimal("123.45")),
        lines=(line,),
    )

    encoded = await X12Encoder({}, context()).encode(outbound(invoice.model_dump_json().encode(), "Invoice"))

    assert b"~TDS*12345~" in encoded.body


_DAY = date(2026, 11, 20)
_PAID = Money(amount=Decimal(9))
_TWO = Quantity(amount=Decimal(2))
_CHANGE: dict[str, Any] = {"supplier_number": "S1001", "change_number": "CH-1", "sequence": 1, "changed_on": _DAY}
ANNOUNCED = [
    (
        OrderAcknowledgement(
            order_number="PO-1", supplier_number="S1001", acknowledged_on=_DAY, acknowledgement_type="AK"
        ),
        b"GS*PR*",
        b"~BAK*00*AK*PO-1*20261120~",
    ),
    (
        ShipmentNotice(
            shipment_number="SHP-1",
            supplier_number="S1001",
            noticed_on=_DAY,
            lines=(ShippedLine(quantity=Quantity(amount=Decimal(2))),),
        ),
        b"GS*SH*",
        b"~SN1**2*EA~CTT*2~",
    ),
    (
        Remittance(remittance_number="T-1", supplier_number="S1001", paid_on=_DAY, amount=_PAID),
        b"GS*RA*",
        b"~BPR*I*9*C*ACH************20261120~TRN*1*T-1~",
    ),
    (
        ApplicationAdvice(
            advice_number="INV-9",
            supplier_number="S1001",
            documents=(AdvisedDocument(action=AdviceAction.REJECTED, scheme="IV", number="INV-9"),),
        ),
        b"GS*AG*",
        b"~BGN*11*INV-9*20261120~OTI*TR*IV*INV-9~",  # of the day on which its number was given
    ),
    (
        OrderChange(order_number="PO-1", purpose="01", changed_by=ChangeBy.BUYER, **_CHANGE),
        b"GS*PC*",
        b"~BCH*01*NE*PO-1**1*20261120*CH-1****20261120~",
    ),
    (
        OrderChange(order_number="PO-1", changed_by=ChangeBy.SUPPLIER, **_CHANGE),
        b"GS*CA*",
        b"~BCA*04**PO-1**1*20261120*CH-1****20261120~",
    ),
    (
        Contract(
            contract_number="C-1",
            supplier_number="S1001",
            lines=(ContractLine(number=1, unit="EA", price=_PAID, item_number="M1"),),
        ),
        b"GS*SC*",
        b"~LIN*1*IN*M1~CTP**CON*9*1*EA~CTT*1~",
    ),
    (
        InventoryLevel(
            item_number="M1", location="OR-CORE", on_hand=_TWO, as_of=MADE_AT, supplier_number="S1001", consignment=True
        ),
        b"GS*IB*",
        b"~LIN*1*IN*M1~REF*ZZ*Y*CONSIGNMENT~QTY*17*2*EA~N1*WH**92*OR-CORE~",
    ),
    (
        Consumption(
            consumption_number="U-1",
            used_at=MADE_AT,
            lines=(ConsumptionLine(number=1, quantity=_TWO, item_number="M1", supplier_number="S1001"),),
        ),
        b"GS*PT*",
        b"~PTD*SS~QTY*32*2*EA~LIN*1*IN*M1~",
    ),
]


@pytest.mark.parametrize(
    ("document", "group", "expected"), ANNOUNCED, ids=["855", "856", "820", "824", "860", "865", "832", "846", "867"]
)
async def test_document_becomes_the_set_of_its_kind(document: Document, group: bytes, expected: bytes) -> None:
    encoded = await X12Encoder({}, context()).encode(outbound(document.model_dump_json().encode(), document.kind))

    assert judge(read(encoded.body).interchanges[0]).all_findings == ()
    assert group in encoded.body
    assert expected in encoded.body


async def test_stock_of_no_supplier_has_nobody_to_go_to() -> None:
    level = InventoryLevel(item_number="M1", location="OR-CORE", on_hand=_TWO, as_of=MADE_AT)

    with pytest.raises(DestinationError):
        await X12Encoder({}, context()).encode(outbound(level.model_dump_json().encode(), level.kind))


async def test_answer_goes_back_to_the_sender() -> None:
    told = answer(samples.interchange().replace(b"SE*9", b"SE*8"))
    assert told is not None

    encoded = await X12Encoder({}, context()).encode(outbound(told.encode(), "X12Acknowledgement"))

    assert b"~AK1*PO*501~AK2*850*0001~AK5*R*4~AK9*R*1*1*0~" in encoded.body
    assert judge(read(encoded.body).interchanges[0]).all_findings == ()


async def test_answer_is_in_the_release_of_what_it_answers() -> None:
    received = samples.interchange().replace(b"*U*00401*", b"*^*00501*").replace(b"004010", b"005010")
    told = answer(received)
    assert told is not None

    encoded = await X12Encoder({}, context()).encode(outbound(told.encode(), "X12Acknowledgement"))

    assert b"*^*00501*" in encoded.body
    assert b"*X*005010~ST*997*0001~AK1*PO*501*005010~" in encoded.body
    assert judge(read(encoded.body).interchanges[0]).all_findings == ()


async def test_a_partner_of_999s_is_answered_by_a_999_under_its_own_kind_in_the_ledger() -> None:
    ledger, partner = Ledger(), LAKESIDE.model_copy(update={"acknowledge_with": "999", "version": "005010"})
    site = context(ledger, {"lakeside": partner})
    received = samples.interchange().replace(b"*U*00401*", b"*^*00501*").replace(b"004010", b"005010")
    message = X12Splitter(site).split(received, {})[0]
    opened = open_interchange(message.body, message.attributes)
    assert opened.answer is not None

    encoded = await X12Encoder({}, site).encode(outbound(opened.answer.body, "X12Acknowledgement"))

    assert b"*X*005010X231A1~ST*999*0001*005010X231A1~AK1*PO*501*005010~AK2*850*0001~IK5*A~" in encoded.body
    assert [given.transaction_set for given in ledger.given.values()] == ["999"]
    assert judge(read(encoded.body).interchanges[0]).all_findings == ()


@pytest.mark.parametrize(
    ("one", "where"), [(order(supplier="S9"), None), (order(quantity="1234567890.1234567"), "PO102")]
)
async def test_order_that_cannot_be_written_is_refused_and_uses_no_number(
    one: PurchaseOrder, where: str | None
) -> None:
    ledger = Ledger()

    with pytest.raises(DestinationError) as caught:
        await X12Encoder({}, context(ledger)).encode(order_out(one))

    assert caught.value.where == where
    assert ledger.given == {}


@pytest.mark.parametrize(("body", "kind"), [(b"{}", "PurchaseOrder"), (b"x", "Invoice"), (b"[]", "X12Acknowledgement")])
async def test_body_that_is_not_its_document_is_refused_without_a_value(body: bytes, kind: str) -> None:
    with pytest.raises(DestinationError) as caught:
        await X12Encoder({}, context()).encode(outbound(body, kind))

    assert caught.value.where == kind


async def test_document_without_an_x12_set_is_refused() -> None:
    supplier = Supplier(supplier_number="S1", name="Lakeside")

    with pytest.raises(DestinationError):
        await X12Encoder({}, context()).encode(outbound(supplier.model_dump_json().encode(), "Supplier"))


async def test_interchange_that_a_script_wrote_stays_as_it_is_when_it_is_right() -> None:
    encoder = X12Encoder({}, context())

    assert (await encoder.encode(outbound(samples.interchange(), None))).body == samples.interchange()
    with pytest.raises(DestinationError):
        await encoder.encode(outbound(samples.interchange().replace(b"GE*1", b"GE*2"), None))


@pytest.mark.parametrize("body", [b"", b"hello"])
async def test_bytes_that_are_no_interchange_are_refused(body: bytes) -> None:
    with pytest.raises(DestinationError):
        await X12Encoder({}, context()).encode(outbound(body, None))


async def test_store_that_is_away_is_tried_again_and_not_held() -> None:
    with pytest.raises(StoreError):
        await X12Encoder({}, context(LedgerAway())).encode(order_out(order()))


def test_unknown_partner_of_a_destination_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError):
        X12Encoder({"partner": "nobody"}, context())


# ------------------------------------------------------------------ what was agreed with a partner
GUIDED = LAKESIDE.model_copy(
    update={
        "sets": AgreedSets(from_them=("850",), to_them=("820",)),
        "overlays": (Overlay(set="850", at="REF*VR", need="required"),),
        "answers_with": "interchange",
    }
)


def test_a_message_carries_what_was_agreed_to_where_it_is_judged() -> None:
    message = X12Splitter(context(partners={"lakeside": GUIDED})).split(samples.interchange(), {})[0]
    opened = open_interchange(message.body, message.attributes)

    assert message.attributes["agreed_rules"] == "850 REF*VR required"
    assert (message.attributes["agreed_sets"], message.attributes["answers_with"]) == ("850", "interchange")
    assert opened.refusal is not None
    assert (opened.refusal.code, opened.refusal.where) == ("X303", "REF*VR")


async def test_a_set_that_the_partner_does_not_take_is_not_sent_and_uses_no_number() -> None:
    ledger = Ledger()
    advice = ApplicationAdvice(
        advice_number="INV-9",
        supplier_number="S1001",
        documents=(AdvisedDocument(action=AdviceAction.REJECTED, scheme="IV", number="INV-9"),),
    )
    encoder = X12Encoder({}, context(ledger, {"lakeside": GUIDED}))

    with pytest.raises(DestinationError) as told:
        await encoder.encode(outbound(advice.model_dump_json().encode(), advice.kind))
    assert told.value.where == "824"
    assert ledger.given == {}


def test_two_channels_that_claim_files_in_one_millisecond_take_both() -> None:
    """Ids are unique for the partner, so a claim alone would make the second interchange a contradiction."""
    body = samples.interchange(samples.ORDER, code="850").replace(b"SENDER         ", b"LAKESIDE       ")
    claims = [
        FileMessages(FileSourceSettings(folder="in"), structs.replace(context(), channel=channel, format="x12")).of(
            body, "a.edi", "0CMZWQ8P80000"
        )
        for channel in ("answers", "notices")
    ]

    (first,), (second,) = claims
    assert first.scope == second.scope
    assert first.natural_id != second.natural_id
