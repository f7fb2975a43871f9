"""What an HTTP answer of Tryton means for the delivery. One table. Pure.

Source: Tryton 8.2 REST: 400 is a business rule (JSON), 401 key, 403 button, 404 record, 500 programming
error or unknown field, 503 lock conflict. 8.0 answers any server-side error with a 400 in HTML.
"""

from __future__ import annotations

import json

from engine.core.errors import DestinationError, IsthmusError, TransportError

WHERE = "ERP (Tryton)"
_WORDS_LIMIT = 300
_LEGACY_MASK = "Unable to get RPC method"


class BusinessRuleError(DestinationError):
    """Tryton's own rule said no; `what` carries its words."""

    code = "T021"


class DuplicateInvoiceError(DestinationError):
    """The ERP holds another invoice of this supplier under this number."""

    code = "T022"


class NoSuchRecordError(DestinationError):
    """The ERP has no record of the id that was asked for: it was deleted there, or belongs to another database."""

    code = "T024"


class AmbiguousError(TransportError):
    """Tryton 8.0 hides lock conflicts and faults behind one 400: only the record's state tells."""

    code = "T023"


def failure(status: int, body: bytes, *, mutation: bool, retry_after: str | None = None) -> IsthmusError:
    """The error for an answer that is not 2xx. A mutation that met a fault may have been committed: `sent`."""
    words = _words(body)
    if status == 401:
        return _key_refused()
    if status == 403:
        what = "the key's user may not do this in the ERP"
        return DestinationError(what, where=WHERE, remedy="give the user the right, resend")
    if status == 400 and _LEGACY_MASK in words:
        return AmbiguousError("the ERP could not carry out a step and does not say why", where=WHERE, sent=mutation)
    if status == 400:
        return _business_rule(words)
    if status == 404:
        remedy = "check `database` of the connection, then resend"
        return NoSuchRecordError("the ERP knows no such record or database", where=WHERE, remedy=remedy)
    if status == 413:
        return DestinationError("the document is too large for the ERP", where=WHERE, remedy="split the document")
    if status == 429:
        return TransportError("the ERP asks for patience (429)", where=WHERE, retry_after=seconds(retry_after))
    # also of a 503 (lock conflict): the ERP runs follow-up work after its commit, and answers for that, too
    what = f"the ERP answered {status}: {words[:120]}"
    return TransportError(what, where=WHERE, sent=mutation, retry_after=seconds(retry_after))


def seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds; a date or rubbish is left to the flow's own backoff."""
    if retry_after is None:
        return None
    try:
        return max(float(retry_after), 0.0)
    except ValueError:
        return None  # dates need a clock, and pure code has none


def _key_refused() -> TransportError:
    """No document's fault: all of them wait in their queues until the key is right, instead of each for a person."""
    remedy = "issue a new key for the engine's user, put it behind the connection's `key`, restart; the queue goes on"
    return TransportError("the ERP does not accept the key", where=WHERE, remedy=remedy)


def _business_rule(words: str) -> DestinationError:
    if "is similar to" in words:
        return DuplicateInvoiceError(
            "the ERP holds another invoice of this supplier under this number",
            where=WHERE,
            remedy="compare both in the ERP; discard this one when it is the same",
        )
    remedy = "correct the document or the ERP's master data, then resend"
    return BusinessRuleError(f"the ERP refused: {words}", where=WHERE, remedy=remedy)


def _words(body: bytes) -> str:
    """The ERP's words on one line. They name its fields, records of ours and rules, never a patient: nothing
    of a patient is in the documents that come here."""
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except ValueError:
        return _plain(text)
    if isinstance(found, dict):
        parts = [str(found[key]) for key in ("message", "description") if found.get(key)]
        return " – ".join(" ".join(part.split()) for part in parts)[:_WORDS_LIMIT]
    return _plain(text)


def _plain(text: str) -> str:
    inside, out = False, []
    for character in text:
        inside = character == "<" or (inside and character != ">")
        if not inside and character != ">":
            out.append(character)
    return " ".join("".join(out).split())[:_WORDS_LIMIT]
