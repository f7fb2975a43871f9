"""Keys that like invoices share, and the dossiers that keep them together."""

from __future__ import annotations

import re

from engine.canonical import Invoice

_NOT_NUMBER = re.compile(r"[^A-Z0-9]")


def normal_number(number: str) -> str:
    """Letters and digits only, without leading zeros."""
    return _NOT_NUMBER.sub("", number.upper()).lstrip("0") or "0"


def alike_dossiers(invoice: Invoice) -> tuple[str, ...]:
    """Where an invoice's like are kept: by supplier and digits but zeros; by number and amount, whoever sent it."""
    normal = normal_number(invoice.invoice_number)
    digits = "".join(sorted(normal.replace("0", "")))  # a zero that changed places with the first digit is gone
    return (
        f"alike:{invoice.supplier_number}/{digits}",
        f"alike:*/{normal}/{format(invoice.stated_total.amount.normalize(), 'f')}",
    )
