"""What is known of a lot of a device or item, for a recall: what came, where it lies, for which cases it was used.

Quantities are exact, as text. There is no patient, visit or account in it: a case is named by its reference.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

STAGES = ("ordered", "shipped", "received", "sent_back", "moved", "used", "charged", "invoiced")


class LotMention(msgspec.Struct, frozen=True):
    """A line of a document that names the lot. `stage` is one of STAGES; `on` a day as `2026-11-20`.

    Args:
        to: the other place, of what was moved from one to another.
        case: reference of the implant or surgical case.
        detail: what became of it (`implanted`, `wasted`), the kind of a movement, or that a charge was taken back.
    """

    stage: str
    kind: str
    key: str
    on: str
    quantity: str
    unit: str
    place: str = ""
    to: str = ""
    case: str = ""
    order: str = ""
    supplier: str = ""
    facility: str = ""
    detail: str = ""


class LotPlace(msgspec.Struct, frozen=True):
    """What of it lies at a place by these documents, in each unit. Below zero: more went than came."""

    place: str
    quantity: str
    unit: str
    facility: str = ""


class LotNotice(msgspec.Struct, frozen=True):
    """A recall of this lot, or of all lots of its device. `ended_on` is empty while it holds."""

    number: str
    recalled_on: str
    reason: str = ""
    ended_on: str = ""


class LotException(msgspec.Struct, frozen=True):
    """An open exception of a case for which it was used. `ref` as in the work queue."""

    ref: str
    title: str
    owner: str
    case: str


class LotView(msgspec.Struct, frozen=True):
    """A lot as all documents have it. `names`: item numbers and device identifiers under which it was looked for.

    Args:
        mentions: by stage, then day.
        cases: references of cases for which it was used.
        exceptions: open exceptions over these cases because of a recall.
    """

    item: str
    lot: str
    names: Sequence[str]
    mentions: Sequence[LotMention]
    places: Sequence[LotPlace]
    cases: Sequence[str]
    notices: Sequence[LotNotice] = ()
    exceptions: Sequence[LotException] = ()
