"""The archive's answer to PostingResult. Source: channels/invoices/invoice_archive.yaml.

The archive repeats supplier, invoice and order as they stood in the file; the order tells to which matter it belongs.
"""

from datetime import datetime

from engine.sdk import DocumentError, JsonMessage, PostingResult

_COMMANDS = {"archived": "archive_invoice", "removed": "undo_archive_invoice"}


def transform(message: JsonMessage) -> PostingResult:
    supplier, invoice = message.require("supplier"), message.require("invoice")
    command = _COMMANDS.get(message.require("asked"))
    if command is None:
        raise DocumentError("an answer is about being archived or removed", where="asked", remedy="ask the archive")
    order, key = message.get("order"), f"{supplier}/{invoice}"
    number, refusal = message.get("number"), message.get("refused")
    if bool(number) == bool(refusal):
        raise DocumentError("an answer has the archive's number, or why it refused", where="number, refused")
    return PostingResult(
        dossier=f"order:{order}" if order else f"invoice:{key}",
        command=command,
        system="archive",
        subject_kind="Invoice",
        subject_key=key,
        ok=bool(number),
        answered_at=datetime.fromisoformat(message.require("at")),
        reference=number or None,
        code=refusal or None,
    )
