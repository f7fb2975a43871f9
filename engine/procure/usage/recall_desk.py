"""The recall query over the store: one dossier read, whatever else is stored."""

from __future__ import annotations

from engine.ports.procure import Records, Reference
from engine.procure.papers import read
from engine.procure.usage.papers import lot_key
from engine.procure.usage.recall import Recalled, RecallIndex


async def recalled_lot(records: Records, device: str, lot: str) -> Recalled:
    """Cases, places, suppliers and documents of a lot by device identifier or our item number.

    Only the newest version of each document counts, though an older one named the lot.

    Raises:
        StoreError: the store cannot be read now.
    """
    held = (await records.load(lot_key(device, lot))).records
    latest = await records.latest(sorted({Reference(one.kind, one.key) for one in held}))
    return RecallIndex(read(one) for one in latest.values()).find(device, lot)
