"""What lay at a place when its older movements were settled: decisions go on from there and read only what is newer.

An opening is worked out from documents that stay as they are; no system tells it, and it can always be made anew.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime

from engine.canonical import Document, Quantity
from engine.canonical.base import Code


class StockOpening(Document):
    """Everything that changed the stock before `until`, in sums.

    `amounts`: since the last count, one a unit. `counted`: there was a count or a level. `units`: of all that moved,
    also before it. `out_since`: nothing lay there since then; only of stock in one unit. `facility`: as rows name it.
    `levels`: up to this version all that the level ever said is in it.
    """

    kind: ClassVar[str] = "StockOpening"

    location: Code
    item_number: Code
    until: AwareDatetime
    amounts: tuple[Quantity, ...] = ()
    counted: bool = False
    units: tuple[Code, ...] = ()
    out_since: AwareDatetime | None = None
    facility: Code | None = None
    levels: int = 0

    @property
    def natural_key(self) -> str:
        return f"{self.location}/{self.item_number}"
