"""What every page uses: templates, the frame around them, notes, and going on after a form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from engine.console import assets, figures, words
from engine.console.desk import Desk, Note
from engine.core.errors import IsthmusError, MessageError, SignInError
from engine.core.figures import money
from engine.core.ids import id_text
from engine.ports.accounts import PASSWORD_MIN_LENGTH, Role
from engine.ports.operations import EngineStatus
from engine.ports.states import MessageState
from engine.ports.web import Call

REASON_LIMIT = 500


class Entry(msgspec.Struct, frozen=True):
    """One line of the navigation. `figure`: a live figure shown beside it."""

    path: str
    title: str
    role: Role = Role.VIEWER
    figure: str | None = None


NAVIGATION: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Operate",
        (
            Entry("/channels", "Channels"),
            Entry("/messages", "Messages"),
            Entry("/held", "Held", figure="all.held"),
            Entry("/connections", "Connections", Role.OPERATOR),
        ),
    ),
    (
        "Procure to pay",
        (
            Entry("/cases", "Exceptions"),
            Entry("/approvals", "Approvals"),
            Entry("/orders", "Orders"),
            Entry("/payments", "Payments"),
            Entry("/recall", "Recall"),
            Entry("/measures", "Measures"),
        ),
    ),
    ("Change", (Entry("/revisions", "Revisions"),)),
    ("Govern", (Entry("/audit", "Audit"), Entry("/people", "People", Role.ADMIN))),
)


class ReasonMissingError(MessageError):
    """Every change of what happens to a message keeps a person's reason."""

    code = "A013"


class Kit:
    """Made once per application; handlers get it from their page class."""

    def __init__(self) -> None:
        self.desk = Desk()
        self._templates = Environment(
            loader=PackageLoader("engine.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "moment": words.moment,
            "count": words.count,
            "amount": words.amount,
            "told": words.told,
            "money": money,
            "size": words.size,
            "id": id_text,
            "word": words.state_word,
            "remedy": words.remedy,
            "plural": words.plural,
        }
        self._templates.globals |= {
            "words": words,
            "asset": assets.url,
            "Role": Role,
            "MessageState": MessageState,
            "password_min_length": PASSWORD_MIN_LENGTH,
            "link": link,
        }

    async def page(
        self, call: Call, template: str, /, *, status: int = 200, engine: EngineStatus | None = None, **values: Any
    ) -> Response:
        """A page inside the frame. `engine`: its status, when the handler has it already."""
        engine = engine or await call.operations.status()
        shown = figures.of_engine(engine)
        frame = {
            "engine": engine,
            "figures": shown,
            "navigation": _visible(call),
            "path": call.request.url.path,
            "notes": self.desk.take_notes(_session_key(call)),
            "now": datetime.now(UTC),
        }
        return self._render(call, template, status, frame | values)

    def bare(self, call: Call, template: str, /, *, status: int = 200, **values: Any) -> Response:
        """A page without the frame: nothing of the site stands on it."""
        return self._render(call, template, status, values)

    def _render(self, call: Call, template: str, status: int, values: dict[str, Any]) -> Response:
        known = {"user": call.user, "csrf": call.session.csrf if call.session else "", "may": _may(call)}
        return HTMLResponse(self._templates.get_template(template).render(known | values), status)

    def note(self, call: Call, text: str, tone: str = "good") -> None:
        """Shown once, on the next page of this session."""
        self.desk.leave(_session_key(call), Note(text, tone))

    async def act(self, call: Call, done: str, back: str, work: Any) -> Response:
        """Await a change, leave a note of how it went, go to `back`."""
        try:
            await work
        except IsthmusError as error:
            self.note(call, words_of(error), "bad")
        else:
            self.note(call, done)
        return go(back)

    def refuse(self, call: Call, status: int, words_for_people: str) -> Response:
        return self.bare(call, "refused.html", status=status, code=status, words_for_people=words_for_people)


def need_reason(call: Call) -> str:
    reason = call.field("reason")[:REASON_LIMIT]
    if not reason:
        raise ReasonMissingError("a reason is required", remedy="go back and say why")
    return reason


def words_of(error: IsthmusError) -> str:
    """For people: a sign-in error without its code, anything else with it."""
    tail = f" ({error.remedy})" if error.remedy else ""
    text = f"{error.what[:1].upper()}{error.what[1:]}{tail}."
    return text if isinstance(error, SignInError) else f"{text} {error.code}"


def go(path: str) -> Response:
    """Answer a form: the browser goes on with GET."""
    return RedirectResponse(path, 303)


def link(path: str, **query: str | int | None) -> str:
    """A path with the parts of the query that are set."""
    parts = {key: str(value) for key, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(parts)}" if parts else path


def _visible(call: Call) -> Sequence[tuple[str, Sequence[Entry]]]:
    may = _may(call)
    groups = ((title, [e for e in entries if may(e.role)]) for title, entries in NAVIGATION)
    return [(title, entries) for title, entries in groups if entries]


def _may(call: Call) -> Any:
    return lambda role: call.user is not None and call.user.role.may(role)


def _session_key(call: Call) -> str:
    return call.session.key if call.session else ""
