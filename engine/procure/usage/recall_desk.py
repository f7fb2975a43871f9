"""The recall query over the store: one dossier read, whatever else is stored."""

from __future__ import annotations

from engine.ports.procure import Records
from engine.procure.papers import Papers
from engine.procure.usage.papers import lot_key
from engine.procure.usage.recall import Recalled, RecallIndex


async def recalled_lot(records: Records, device: str, lot: str) -> Recalled:
    """Cases, places, suppliers and documents of a lot by device identifier or our item number.

    Only the newest version of each document counts.

    Raises:
        StoreError: the store cannot be read now.
    """
    papers = Papers((await records.load(lot_key(device, lot))).records)
    newest = {(one.record.kind, one.record.key): one.document for one in papers.all}
    return RecallIndex(newest.values()).find(device, lot)
