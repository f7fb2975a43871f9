"""X12 in files: an interchange is a message; a document becomes an interchange with numbers from the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec
from pydantic import ValidationError

from engine.canonical import (
    ApplicationAdvice,
    ChangeBy,
    Consumption,
    Contract,
    InventoryLevel,
    Invoice,
    OrderAcknowledgement,
    OrderChange,
    PurchaseOrder,
    Remittance,
    ShipmentNotice,
)
from engine.channel.partner import Partner
from engine.connectors.formats import Encoded
from engine.connectors.x12_partners import identity, partners_of
from engine.core.errors import DestinationError, IsthmusError
from engine.mapping.x12_810 import invoice_to_810
from engine.mapping.x12_820 import remittance_to_820
from engine.mapping.x12_824 import application_advice_to_824
from engine.mapping.x12_832 import contract_to_832
from engine.mapping.x12_846 import inventory_levels_to_846
from engine.mapping.x12_850 import purchase_order_to_850
from engine.mapping.x12_855 import order_acknowledgement_to_855
from engine.mapping.x12_856 import shipment_notice_to_856
from engine.mapping.x12_860 import order_change_to_860
from engine.mapping.x12_865 import order_change_to_865
from engine.mapping.x12_867 import consumption_to_867, supplier_of
from engine.ports.connector import ConnectorContext, Outbound, Reason, Received
from engine.protocols.x12 import (
    Answer,
    EnvelopePolicy,
    File,
    Interchange,
    OutboundGroup,
    OutboundSet,
    SegmentValues,
    Severity,
    check_set,
    decode_answer,
    encode,
    name_faults,
    read,
    told,
    write_interchange,
)
from engine.protocols.x12.answer import KIND as ANSWER_KIND

_OF_THEIR_DAY = ("824",)
_ANY_DAY = date(2000, 1, 1)  # to check a set before its number, and with it its day, is given
_BLANK = " \t\r\n\ufeff\x00\x1a"


class X12Splitter:
    """One message for each interchange of a file.

    It has no natural id: the ledger tells a repeated ISA13, which must be answered. Attributes: `partner`,
    `envelope` (the partner's policy), `acknowledge` (`yes`, `no`, `999` for a 999 in place of a 997), `answers_with`
    (`interchange` where a TA1 alone is their answer), `agreed_sets` and `agreed_rules` (the partner's overlays),
    `interchange` (ISA13), `control_number` (the same, where it counts in the ledger); for one that is not as agreed
    in its names or usage indicator `misaddressed` instead, the TA105 notes. What is refused is told apart where the
    message is read, because it must be answered, too; only a stranger is refused here.
    """

    def __init__(self, context: ConnectorContext) -> None:
        self._partners = partners_of(context.services)

    def split(self, data: bytes, attributes: Mapping[str, str]) -> list[Received]:
        """Raises FramingError when no interchange can be told in the file."""
        file = read(data, EnvelopePolicy.TOLERANT)
        messages: list[Received] = []
        nothing = _BLANK + "".join({one.separators.segment for one in file.interchanges})  # IEA*…~~: one too many
        for interchange in file.interchanges:
            messages += _stray(interchange.lead, file.charset, attributes, nothing)
            messages.append(self._message(interchange, file, attributes))
        return [*messages, *_stray(file.tail, file.charset, attributes, nothing)]

    def _message(self, interchange: Interchange, file: File, attributes: Mapping[str, str]) -> Received:
        partner = self._partners.sender_of(interchange)
        policy = EnvelopePolicy(partner.envelope) if partner else EnvelopePolicy.STRICT
        header = interchange.header
        wrong = name_faults(interchange, identity(partner)) if partner else ()
        facts = {
            "partner": partner.partner if partner else "",
            "envelope": policy.value,
            "acknowledge": _wanted(partner),
            "supplier_number": (partner.supplier_number if partner else None) or "",
            "interchange": interchange.control_number,
        }
        if partner is not None and partner.answers_with == "interchange":
            facts["answers_with"] = partner.answers_with
        if partner is not None and partner.sets.from_them:
            facts["agreed_sets"] = " ".join(partner.sets.from_them)
        if partner is not None and partner.overlays:
            facts["agreed_rules"] = told(partner.rules)
        # What was not meant for us, is a test among production, or was cut off on its way and refused as a whole
        # must not use up a number of the ledger: the partner sends the complete file again under the same one.
        cut_off = interchange.trailer is None and policy is EnvelopePolicy.STRICT
        if wrong:
            facts["misaddressed"] = ",".join(str(fault.note) for fault in wrong)
        elif not cut_off:
            facts["control_number"] = interchange.control_number
        return Received(
            body=encode(File((replace(interchange, lead=""),), "", file.charset, policy)),
            natural_id=None,
            message_type=_message_type(interchange),
            scope=partner.partner if partner else f"{header.get(5).strip()}:{header.get(6).strip()}",
            attributes={**attributes, **facts},
            refusal=self._refusal(partner),
        )

    def _refusal(self, partner: Partner | None) -> Reason | None:
        if partner is not None or not self._partners:
            return None
        remedy = "add the partner in config/partners, then deploy"
        return Reason("X006", "no trading partner has this sender id (TA105:006)", "ISA06", remedy)


_Traded = TypeVar(
    "_Traded", PurchaseOrder, OrderAcknowledgement, ShipmentNotice, Invoice, Remittance, OrderChange, Contract
)


def _stray(text: str, charset: str, attributes: Mapping[str, str], nothing: str) -> Iterator[Received]:
    """Text that is in no interchange: kept, and refused, unless it is of characters that say nothing."""
    if text.strip(nothing):
        reason = Reason("X903", "text outside of any interchange", "ISA", "ask the partner what it is")
        yield Received(text.encode(charset), attributes=attributes, refusal=reason)


def _message_type(interchange: Interchange) -> str | None:
    """The one set code in it, `TA1` for acknowledgements alone; None when it holds several kinds."""
    codes = {one.code for group in interchange.groups for one in group.sets}
    if not codes and interchange.acknowledgements:
        return "TA1"
    return codes.pop() if len(codes) == 1 else None


Writer = Callable[[bytes, date], tuple[str, OutboundSet]]
"""Makes the set of a document and of the day it is sent, with our number of the supplier."""


def _writer(kind: type[_Traded], to_set: Callable[[_Traded], OutboundSet]) -> Writer:
    def write(body: bytes, today: date) -> tuple[str, OutboundSet]:
        one = kind.model_validate_json(body)
        return one.supplier_number, to_set(one)

    return write


def _write_advice(body: bytes, today: date) -> tuple[str, OutboundSet]:
    advice = ApplicationAdvice.model_validate_json(body)
    return advice.supplier_number, application_advice_to_824(advice, today)


def _change(change: OrderChange) -> OutboundSet:
    """A buyer's change that nobody answered is told to the supplier; all else is what the supplier says."""
    ours = change.changed_by is ChangeBy.BUYER and change.accepted is None
    return order_change_to_860(change) if ours else order_change_to_865(change)


def _write_level(body: bytes, today: date) -> tuple[str, OutboundSet]:
    level = InventoryLevel.model_validate_json(body)
    return level.supplier_number or "", inventory_levels_to_846([level])


def _write_use(body: bytes, today: date) -> tuple[str, OutboundSet]:
    used = Consumption.model_validate_json(body)
    return supplier_of(used), consumption_to_867(used)


_WRITERS: dict[str | None, Writer] = {
    "PurchaseOrder": _writer(PurchaseOrder, purchase_order_to_850),
    "OrderAcknowledgement": _writer(OrderAcknowledgement, order_acknowledgement_to_855),
    "ShipmentNotice": _writer(ShipmentNotice, shipment_notice_to_856),
    "Invoice": _writer(Invoice, invoice_to_810),
    "Remittance": _writer(Remittance, remittance_to_820),
    "ApplicationAdvice": _write_advice,
    "OrderChange": _writer(OrderChange, _change),
    "Contract": _writer(Contract, contract_to_832),
    "InventoryLevel": _write_level,
    "Consumption": _write_use,
}
_GROUPS = {"810": "IN", "820": "RA", "824": "AG", "832": "SC", "846": "IB"} | {
    "850": "PO",
    "855": "PR",
    "856": "SH",
    "860": "PC",
    "865": "CA",
    "867": "PT",
}
"""GS01 by set."""


def _wanted(partner: Partner | None) -> str:
    """Whether the partner wants its sets acknowledged, and by a 999."""
    if partner is None or not partner.acknowledge:
        return "yes" if partner is None else "no"
    return "999" if partner.acknowledge_with == "999" else "yes"


class X12Encoder:
    """Documents become the set of their kind, answers 997 and TA1; an interchange of the script's own stays as it is.

    PurchaseOrder 850, OrderAcknowledgement 855, ShipmentNotice 856, Invoice 810, Remittance 820, ApplicationAdvice 824,
    OrderChange 860 (or 865, where it is the supplier's), Contract 832, InventoryLevel 846, Consumption 867.

    The same delivery has the same control number and the same bytes at every attempt.
    """

    def __init__(self, options: Mapping[str, Any], context: ConnectorContext) -> None:
        self._partners = partners_of(context.services)
        self._ledger = context.ledger
        name = options.get("partner")
        self._partner = self._partners.named(str(name)) if name else None

    async def encode(self, outbound: Outbound) -> Encoded:
        """Raises DestinationError with the place when a document cannot be written."""
        try:
            return await self._encode(outbound)
        except DestinationError:
            raise
        except (msgspec.ValidationError, msgspec.DecodeError, ValidationError):
            raise DestinationError("the body is not the document that it says", where=outbound.kind) from None
        except IsthmusError as error:
            if error.fate.value == "retry":
                raise
            raise DestinationError(error.what, where=error.where, remedy=error.remedy) from None

    async def _encode(self, outbound: Outbound) -> Encoded:
        match outbound.kind:
            case kind if kind in _WRITERS:
                return await self._set(outbound, _WRITERS[kind])
            case kind if kind == ANSWER_KIND:
                return await self._answer(outbound, decode_answer(outbound.body))
            case None:
                return _own(outbound.body)
            case kind:
                raise DestinationError("there is no X12 set for this kind of document", where=kind)

    async def _set(self, outbound: Outbound, write: Writer) -> Encoded:
        supplier_number, one = write(outbound.body, _ANY_DAY)
        partner = self._partner or self._partners.of_supplier(supplier_number)
        if partner.sets.to_them and one.code not in partner.sets.to_them:
            remedy = f"add it to sets.to_them in config/partners/{partner.partner}.yaml when the partner takes it"
            raise DestinationError("the partner has not agreed to take this set", where=one.code, remedy=remedy)
        check_set(one, partner.version, rules=partner.rules)  # before a number is given to it
        given = await self._ledger.allocate(partner.partner, outbound.idempotency_key, one.code)
        if one.code in _OF_THEIR_DAY:
            _, one = write(outbound.body, given.made_at.date())
        groups = [OutboundGroup(_GROUPS[one.code], partner.version, given.number, (one,))]
        return _written(partner, given.number, given.made_at, groups, [])

    async def _answer(self, outbound: Outbound, answer: Answer) -> Encoded:
        partner = self._partner or self._partners.by_sender(answer.qualifier, answer.sender)
        given = await self._ledger.allocate(
            partner.partner, outbound.idempotency_key, answer.functional_set if answer.functional else "TA1"
        )
        group = answer.group(given.number)
        told = [answer.interchange_acknowledgement] if answer.interchange_acknowledgement else []
        # In the release that the partner used, whatever we send it otherwise.
        as_received = partner.model_copy(update={"version": answer.version})
        return _written(as_received, given.number, given.made_at, [group] if group else [], told)


def _written(
    partner: Partner, number: int, made_at: datetime, groups: list[OutboundGroup], told: list[SegmentValues]
) -> Encoded:
    body = write_interchange(identity(partner), number, made_at, groups, told)
    return Encoded(body, {"control_number": f"{number:09d}", "partner": partner.partner})


def _own(body: bytes) -> Encoded:
    """An interchange that a script wrote: it must read without a fault."""
    file = read(body)
    if not file.accepted:
        fault = next(f for f in file.findings if f.severity is Severity.ERROR)
        raise DestinationError(fault.text, where=fault.where)
    return Encoded(body, {"control_number": file.interchanges[0].control_number})
