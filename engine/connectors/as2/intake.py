"""From an opened AS2 message to the journal, and from there to what its receipt says."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from engine.connectors.as2.settings import As2Partner
from engine.connectors.intake import FileMessages, accept_all, bad, explain
from engine.connectors.wrapping import Unwrapping
from engine.core.errors import MessageError
from engine.ports.connector import Accept, ConnectorContext, Reason, Receipt, Received, Verdict
from engine.protocols.as2.envelope import Envelope
from engine.protocols.as2.faults import As2Error, Modifier
from engine.protocols.as2.mdn import Disposition
from engine.protocols.as2.message import Opened

_MISUSED = Reason(
    As2Error.code,
    "this AS2 partner may not send interchanges of that trading partner",
    "ISA06",
    "add it to x12_partners of the AS2 partner, if it may",
)


class Outcome(NamedTuple):
    """What a receipt says; `text` is for people."""

    disposition: Disposition
    text: str


class _Policy(msgspec.Struct, frozen=True):
    split: str = "auto"
    deduplicate: str = "none"


class Intake:
    """Messages of one AS2 message, by the channel's format."""

    def __init__(self, context: ConnectorContext, unwrapping: Unwrapping) -> None:
        self._files = FileMessages(_Policy(), context, unwrapping)

    async def take(
        self, opened: Opened, envelope: Envelope, partner: As2Partner, facts: dict[str, str], accept: Accept
    ) -> Outcome:
        """Durable when it returns.

        Raises:
            StoreError: nothing can be said yet; let the partner send it again.
        """
        receipts = await accept_all(await self._messages(opened, envelope, partner, facts), accept)
        return _outcome(receipts)

    async def refuse(
        self, body: bytes, error: MessageError, envelope: Envelope, facts: dict[str, str], accept: Accept
    ) -> Outcome:
        """Kept as REFUSED, for whoever must look. Without a natural id: who sent it is not known, so that it may not
        use up the id of a message that is still to come."""
        reason = Reason(error.code, error.what, error.where, error.remedy)
        await accept(Received(body, scope=_scope(envelope), attributes=facts, refusal=reason))
        modifier = error.modifier if isinstance(error, As2Error) else Modifier.UNEXPECTED
        place = f"{error.where}: " if error.where else ""
        return Outcome(Disposition.of_error(modifier), f"The message was not taken in: {place}{error.what}.")

    async def _messages(
        self, opened: Opened, envelope: Envelope, partner: As2Partner, facts: dict[str, str]
    ) -> list[Received]:
        name = opened.file_name or "message"
        try:
            found = await self._files.read(opened.payload, name, envelope.message_id)
        except MessageError as error:
            found = [self._files.refused(opened.payload, name, envelope.message_id, error)]
        return [_of_partner(one, envelope, partner, facts) for one in found]


def _of_partner(message: Received, envelope: Envelope, partner: As2Partner, facts: dict[str, str]) -> Received:
    refusal, trading = message.refusal, message.attributes.get("partner")
    if partner.x12_partners and trading is not None and trading not in partner.x12_partners:
        refusal = refusal or _MISUSED
    attributes = {**facts, **message.attributes}
    return msgspec.structs.replace(message, scope=_scope(envelope), attributes=attributes, refusal=refusal)


def _scope(envelope: Envelope) -> str:
    """A Message-ID is unique for its sender; no partner can use up the ids of another."""
    return f"as2:{envelope.sender}"


def _outcome(receipts: list[Receipt]) -> Outcome:
    if bad(receipts):
        return Outcome(Disposition.of_error(Modifier.UNEXPECTED), explain(receipts).decode())
    if all(one.verdict is Verdict.DUPLICATE for one in receipts):
        return Outcome(Disposition("processed", "warning", Modifier.DUPLICATE), "This message is here already.")
    return Outcome(Disposition(), "The message was taken in.")
