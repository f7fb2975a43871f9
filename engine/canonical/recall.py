"""Recalls: which lots of which device must not be used. Source: FDA recall notices name devices by UDI and lot."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from engine.canonical.base import Code, Document, Text


class RecallNotice(Document):
    """One lot of one device, or all of its lots when `lot` is `*`."""

    kind: ClassVar[str] = "RecallNotice"

    recall_number: Code
    device_identifier: Code
    recalled_on: date
    lot: Code = "*"
    supplier_number: Code | None = None
    item_number: Code | None = None
    reason: Text | None = None
    ended_on: date | None = None

    @property
    def natural_key(self) -> str:
        return f"{self.device_identifier}/{self.lot}"
