"""Keys that like invoices share, and the dossiers that keep them together."""

from __future__ import annotations

import re

from engine.canonical import Invoice

_NOT_NUMBER = re.compile(r"[^A-Z0-9]")
_NOT_DIGIT = re.compile(r"[^0-9]")
_READ_AS_LETTERS = re.compile(r"(?<=\d)[OQILSBZ]+|^O+(?=\d)")  # beside digits only: INV is a word, and stays one
_DIGITS = str.maketrans("OQILSBZ", "0011582")


def normal_number(number: str) -> str:
    """Letters and digits only, without leading zeros."""
    return _NOT_NUMBER.sub("", number.upper()).lstrip("0") or "0"


def digits_for_letters(normal: str) -> str:
    """A normal number with letters among its digits read as the digits that they look like on paper: 1O5 is 105."""
    return _READ_AS_LETTERS.sub(lambda part: part[0].translate(_DIGITS), normal).lstrip("0") or "0"


def digits_only(normal: str) -> str:
    """Without what people write around a number, as INV or COPY; of one without digits, the letters."""
    return _NOT_DIGIT.sub("", normal).lstrip("0") or normal


def alike_dossiers(invoice: Invoice) -> tuple[str, ...]:
    """Where an invoice's like are kept: by supplier and digits but zeros; by number and amount, whoever sent it."""
    normal = normal_number(invoice.invoice_number)
    amount = format(invoice.stated_total.amount.normalize(), "f")
    keys: list[str] = []
    for one in dict.fromkeys((normal, digits_for_letters(normal))):
        keys += (supplier_key(invoice.supplier_number, one), f"alike:*/{one}/{amount}")
    return tuple(dict.fromkeys(keys))


def supplier_key(supplier: str, normal: str) -> str:
    """Of a supplier's invoices whose numbers are like a normal one."""
    digits = "".join(sorted(digits_only(normal).replace("0", "")))  # a zero may have changed places with the first
    return f"alike:{supplier}/{digits}"
