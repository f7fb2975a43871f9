"""Invoices that we took back carry a note in the ERP: only beside such ones may the same invoice be posted again.

One that a person cancelled there stays cancelled, until a person decides otherwise.
Source: Tryton 8.2, account_invoice warns of similar invoices, also of cancelled ones.
"""

from __future__ import annotations

from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.wire import Domain

_INVOICE, _NOTE = "account.invoice", "ir.note"
_WORDS = "Taken back by the interface engine: a system that was to have it as well refused it."


def invoice_domain(natural_key: str) -> Domain:
    """A supplier's invoices under one number of its own, whoever entered them."""
    supplier, _, number = natural_key.partition("/")
    return [["type", "=", "in"], ["party.code", "=", supplier], ["reference", "=", number]]


async def note_taken_back(client: TrytonClient, invoice: int) -> None:
    """Before it is cancelled: a crash in between leaves a note too many, never one too few."""
    if not await client.count(_NOTE, _noted([invoice])):
        await client.create(_NOTE, {"resource": f"{_INVOICE},{invoice}", "message": _WORDS})


async def may_come_again(client: TrytonClient, natural_key: str, reference: str, record: int) -> bool:
    """All others under the number are cancelled ones of ours that we took back."""
    found = await client.read(_INVOICE, [*invoice_domain(natural_key), ["id", "!=", record]], ["state", "description"])
    ours = [one["id"] for one in found if one["state"] == "cancelled" and one["description"] == reference]
    if not ours or len(ours) < len(found):
        return False
    return await client.count(_NOTE, _noted(ours)) >= len(ours)


async def noted(client: TrytonClient, invoices: list[int]) -> set[int]:
    """Which of them carry the note."""
    return {one for one in invoices if await client.count(_NOTE, _noted([one]))}


def _noted(invoices: list[int]) -> Domain:
    return [["resource", "in", [f"{_INVOICE},{one}" for one in invoices]], ["message", "=", _WORDS]]
