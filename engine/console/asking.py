"""Search criteria between a form, a URL and a `Query`. The searched value stays on the desk, never in the URL."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from engine.console.desk import Find
from engine.console.kit import Kit, link
from engine.core.ids import parse_id
from engine.ports.journal import Query
from engine.ports.states import MessageState
from engine.ports.web import Call

PAGE = 50
FIELDS = {"key": "Business key or message's own id", "correlation": "Correlation id", "message": "Message id"}


class Criteria(msgspec.Struct, frozen=True):
    """As people gave them; texts that make no sense are in `problems` and left out of `query`."""

    channel: str = ""
    state: str = ""
    type: str = ""
    since: str = ""
    until: str = ""
    token: str = ""
    find: Find | None = None
    before: str = ""
    problems: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        return bool(self.channel or self.state or self.type or self.since or self.until or self.find)

    def path(self, page: str = "/messages", **changed: str) -> str:
        """The page of these criteria, or of these with some changed."""
        given = {
            "channel": self.channel,
            "state": self.state,
            "type": self.type,
            "since": self.since,
            "until": self.until,
            "find": self.token,
        }
        return link(page, **(given | changed))

    def query(self, limit: int = PAGE) -> Query:
        find = self.find
        key = (None, find.value, find.prefix) if find and find.field == "key" else None
        before = _id(self.before)
        if find and find.field == "message":
            exact = _id(find.value)
            before = exact + 1 if exact is not None else before
        return Query(
            channel=self.channel or None,
            states=(MessageState[self.state],) if self.state in MessageState.__members__ else (),
            key=key,
            correlation_id=find.value if find and find.field == "correlation" else None,
            message_type=self.type or None,
            since=_time(self.since),
            until=_time(self.until),
            before_id=before,
            limit=limit,
        )

    @property
    def exact_id(self) -> int | None:
        """Set when one message is searched by its id."""
        return _id(self.find.value) if self.find and self.find.field == "message" else None


def from_url(kit: Kit, call: Call) -> Criteria:
    token = call.query("find")
    find = kit.desk.find(call.session.key, token) if token and call.session else None
    since, until = call.query("since"), call.query("until")
    times = (("From", since), ("Until", until))
    problems = [f"{name} is not a time" for name, text in times if text and not _time(text)]
    if token and find is None:
        problems.append("This search is no longer remembered: enter the value again")
    if find and find.field == "message" and _id(find.value) is None:
        problems.append("A message id has 13 letters and digits")
    return Criteria(
        channel=call.query("channel"),
        state=call.query("state"),
        type=call.query("type"),
        since=since,
        until=until,
        token=token if find else "",
        find=find,
        before=call.query("before"),
        problems=tuple(problems),
    )


def from_form(kit: Kit, call: Call) -> Criteria:
    value, field = call.field("value")[:200], call.field("field", "key")
    prefix = bool(call.field("prefix")) or value.endswith("*")
    find = Find(value.rstrip("*"), field if field in FIELDS else "key", prefix)
    token = kit.desk.keep(call.session.key, find) if find.value and call.session else ""
    return Criteria(
        channel=call.field("channel"),
        state=call.field("state"),
        type=call.field("type"),
        since=call.field("since"),
        until=call.field("until"),
        token=token,
        find=find if find.value else None,
    )


def _time(text: str) -> datetime | None:
    """A `datetime-local` value, taken as UTC."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


def _id(text: str) -> int | None:
    try:
        return parse_id(text.strip()) if text else None
    except ValueError:
        return None
