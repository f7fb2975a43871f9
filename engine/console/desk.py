"""What the console remembers of a session between two requests: notes to show once, and what was searched for.

A searched value may be a patient's, so it never stands in a URL: the URL has a short token of this desk.
Nothing here is durable, and the oldest sessions are forgotten first.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict

import msgspec

_SESSIONS, _FINDS = 500, 50


class Note(msgspec.Struct, frozen=True):
    text: str
    tone: str = "good"


class Find(msgspec.Struct, frozen=True):
    """`field` is `key`, `correlation` or `message`."""

    value: str
    field: str = "key"
    prefix: bool = False


class _Drawer:
    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.finds: OrderedDict[str, Find] = OrderedDict()


class Desk:
    def __init__(self) -> None:
        self._drawers: OrderedDict[str, _Drawer] = OrderedDict()

    def leave(self, session: str, note: Note) -> None:
        self._drawer(session).notes.append(note)

    def take_notes(self, session: str) -> list[Note]:
        drawer = self._drawer(session)
        notes, drawer.notes = drawer.notes, []
        return notes

    def keep(self, session: str, find: Find) -> str:
        """The token for the URL."""
        finds = self._drawer(session).finds
        token = secrets.token_urlsafe(6)
        finds[token] = find
        if len(finds) > _FINDS:
            finds.popitem(last=False)
        return token

    def find(self, session: str, token: str) -> Find | None:
        return self._drawer(session).finds.get(token)

    def _drawer(self, session: str) -> _Drawer:
        drawer = self._drawers.setdefault(session, _Drawer())
        self._drawers.move_to_end(session)
        if len(self._drawers) > _SESSIONS:
            self._drawers.popitem(last=False)
        return drawer
