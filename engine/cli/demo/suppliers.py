"""The suppliers' side of our orders: each reads its 850 and answers with a 997; some say more, by 855 and 856."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from engine.cli.demo import edi
from engine.cli.demo.doors import FolderDoor
from engine.cli.demo.tally import Tally

_FIRST_CONTROL = 9001
_REJECTED, _SILENT = 3, 7  # of all orders in sequence, this one is rejected and that one is not answered today
_TALKATIVE = 4  # every fourth order is answered line by line, and its parcel announced


class Suppliers:
    """Watches the outbox. Same order of files, same answers."""

    def __init__(self, outbox: Path, inbox: Path, day: date, tally: Tally) -> None:
        """
        Args:
            inbox: where their 997s go; 855 and 856 go into folders beside it.
        """
        self._outbox, self._inbox, self._day, self._tally = outbox, FolderDoor(inbox), day, tally
        self._responses, self._notices = (
            FolderDoor(inbox.parent / "responses"),
            FolderDoor(inbox.parent / "ship_notices"),
        )
        self._answered: dict[str, edi.Seen] = {}
        self.accepted = self.rejected = self.silent = self.talkative = 0

    def look(self) -> None:
        for path in sorted(self._outbox.glob("*.edi")) if self._outbox.is_dir() else ():
            if path.name not in self._answered:
                self._answer(path)

    def counts(self) -> dict[str, int]:
        """Our orders as the suppliers count them. An order that came twice is one."""
        sent = len({seen.order_number for seen in self._answered.values()})
        return {"sent": sent, "accepted": self.accepted, "rejected": self.rejected, "unanswered": self.silent}

    def _answer(self, path: Path) -> None:
        seen = edi.read_order(path.read_bytes())
        self._answered[path.name] = seen
        count = len(self._answered)
        self._tally.orders_out = count
        if count == _SILENT:
            self.silent += 1
            return
        accepted = count != _REJECTED
        dialect = next(d for d in edi.DIALECTS.values() if d.isa_id == seen.isa_receiver)
        body = edi.acknowledgement(dialect, seen, _FIRST_CONTROL + count, self._day, accepted=accepted)
        self._inbox.drop(f"997_{dialect.name}_{count}.edi", body)
        self.accepted, self.rejected = self.accepted + accepted, self.rejected + (not accepted)
        self._tally.acknowledged += 1
        if accepted and count % _TALKATIVE == 0:
            self._tell_more(dialect, seen, count)

    def _tell_more(self, dialect: edi.Dialect, seen: edi.Seen, count: int) -> None:
        control = _FIRST_CONTROL + 1000 + 2 * count
        self._responses.drop(f"855_{dialect.name}_{count}.edi", edi.response(dialect, seen, control, self._day))
        self._notices.drop(f"856_{dialect.name}_{count}.edi", edi.ship_notice(dialect, seen, control + 1, self._day))
        self.talkative += 1
