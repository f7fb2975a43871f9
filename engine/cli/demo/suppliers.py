"""The suppliers' side of our orders: each reads its 850 from the outbox and answers with a 997, as a real one would."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from engine.cli.demo import edi
from engine.cli.demo.doors import FolderDoor
from engine.cli.demo.tally import Tally

_FIRST_CONTROL = 9001
_REJECTED, _SILENT = 3, 7  # of all orders in sequence, this one is rejected and that one is not answered today


class Suppliers:
    """Watches the outbox. Same order of files, same answers."""

    def __init__(self, outbox: Path, inbox: Path, day: date, tally: Tally) -> None:
        self._outbox, self._inbox, self._day, self._tally = outbox, FolderDoor(inbox), day, tally
        self._answered: dict[str, edi.Seen] = {}
        self.accepted = self.rejected = self.silent = 0

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
