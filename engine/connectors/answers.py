"""What a system did with a command, told to the process, so that what follows goes on.

A crash between posting and telling loses nothing: the delivery is still in doubt, its retry finds the document by
asking, and tells again. The same answer again is no new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

from engine.canonical import Document, PostingResult
from engine.core.errors import DestinationError, StoreError, TransportError
from engine.ports.connector import ConnectorContext, Outbound
from engine.ports.erp import Twin
from engine.ports.procure import COMMANDS

_LONGEST_CODE, _LONGEST_TEXT = 80, 200
_BY_KIND = {
    "Invoice": "post_invoice",
    "JournalEntry": "post_journal",
    "PurchaseOrder": "create_order",
    "Requisition": "create_order",
    "Supplier": "propagate_supplier",
}
"""The command whose work a document is, when no command brought it."""
_SAID_AS = {"adopt_invoice": "post_invoice", "repost_invoice": "post_invoice"}
"""Other ways to the same end: who waits for the invoice to be posted need not know which."""


class HearsAnswers(Protocol):
    """The process, as this needs it; `ConnectorContext.services["procure"]`."""

    def home_of(self, document: Document) -> str:
        """The dossier that a document belongs to before others."""
        ...

    async def answered(self, answer: PostingResult) -> None: ...


class Answers:
    """
    Args:
        system: who answers, as the plans of the process call it.
    """

    def __init__(self, context: ConnectorContext, process: object, system: str) -> None:
        self._process, self._system = cast("HearsAnswers", process), system
        self._where, self._clock = context.name, context.clock

    async def done(self, outbound: Outbound, document: Document, reference: str | None) -> None:
        """
        Raises:
            TransportError: the process could not keep it now.
        """
        await self._tell(outbound, document, {"ok": True, "reference": _code(reference)})

    async def refused(
        self, outbound: Outbound, document: Document, error: DestinationError, twin: Twin | None = None
    ) -> None:
        """
        Args:
            twin: what the system holds in its place.

        Raises:
            TransportError: the process could not keep it now.
        """
        told = {"ok": False, "code": error.code, "reason": error.what.strip()[:_LONGEST_TEXT] or None}
        lacks = {"kind": error.lacks[0], "key": error.lacks[1]} if error.lacks is not None else None
        holds = _held(twin) if twin is not None else None
        await self._tell(outbound, document, {**told, "lacks": lacks, "holds": holds})

    async def _tell(self, outbound: Outbound, document: Document, told: Mapping[str, object]) -> None:
        name = command_of(outbound) or _BY_KIND.get(document.kind, f"post_{document.kind.lower()}")
        key = outbound.attributes.get("command_key") if command_of(outbound) else None
        said = _SAID_AS.get(name, name)
        answer = PostingResult.model_validate({
            "dossier": dossier_of(outbound) or self._process.home_of(document),
            "command": said,
            "command_key": said + key.removeprefix(name) if key is not None else None,
            "system": self._system,
            "subject_kind": document.kind,
            "subject_key": document.natural_key,
            "answered_at": self._clock.now(),
            **told,
        })  # fmt: skip
        try:
            await self._process.answered(answer)
        except StoreError as error:
            raise TransportError(error.what, where=self._where, sent=bool(told["ok"])) from None


def command_of(outbound: Outbound) -> str | None:
    """The command of the process that brought the document; None: it came otherwise."""
    name = outbound.attributes.get("command")
    return name if name in COMMANDS else None


def dossier_of(outbound: Outbound) -> str | None:
    return outbound.attributes.get("dossier") if command_of(outbound) else None


def _held(twin: Twin) -> Mapping[str, object]:
    known = twin.total is not None and twin.currency is not None
    return {
        "reference": _code(twin.reference),
        "number": _code(twin.number),
        "state": _code(twin.state),
        "is_posted": twin.is_posted,
        "dated": twin.dated,
        "total": {"amount": twin.total, "currency": twin.currency} if known else None,
    }


def _code(reference: str | None) -> str | None:
    return (reference or "").strip()[:_LONGEST_CODE] or None
