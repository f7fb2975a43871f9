"""The policies of a site as one frozen value with a digest: `config/policies/*.yaml`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property, lru_cache
from typing import NamedTuple

from pydantic import Field, PrivateAttr, ValidationError

from engine.channel.model import Settings
from engine.channel.policy_calendars import Calendars, Milestones
from engine.channel.policy_currencies import Currencies
from engine.channel.policy_matching import Matching, Tolerances
from engine.channel.policy_people import People
from engine.channel.policy_postings import Postings
from engine.channel.policy_records import RecordRules
from engine.channel.policy_routing import Approvals, Exceptions
from engine.channel.policy_usage import Usage

FOLDER = "config/policies"
PARTS: Mapping[str, type[Settings]] = {
    "tolerances": Tolerances,
    "matching": Matching,
    "approvals": Approvals,
    "exceptions": Exceptions,
    "milestones": Milestones,
    "calendars": Calendars,
    "people": People,
    "currencies": Currencies,
    "usage": Usage,
    "records": RecordRules,
    "postings": Postings,
}
"""Name of the file, without `.yaml`, to what it holds."""


class Past(NamedTuple):
    """A revision that held until others were deployed: their canonical JSON."""

    until: datetime
    content: str


class Policies(Settings):
    """Each part is a file of its own name. A file that is not there has the usual values."""

    tolerances: Tolerances = Field(default=Tolerances(), description="How far an invoice may differ.")
    matching: Matching = Field(default=Matching(), description="What an invoice is matched with.")
    approvals: Approvals = Field(default=Approvals(), description="Who approves what.")
    exceptions: Exceptions = Field(default=Exceptions(), description="Who decides exceptions, and by when.")
    milestones: Milestones = Field(default=Milestones(), description="Promised times.")
    calendars: Calendars = Field(default=Calendars(), description="Business hours, holidays, fiscal periods.")
    people: People = Field(default=People(), description="Who there is.")
    currencies: Currencies = Field(default=Currencies(), description="Of limits, and what others are worth in it.")
    usage: Usage = Field(default=Usage(), description="How use, charges and stock are handled.")
    records: RecordRules = Field(default=RecordRules(), description="Which system is right about which field.")
    postings: Postings = Field(default=Postings(), description="To which systems documents are posted.")

    _past: tuple[Past, ...] = PrivateAttr(default=())

    def after(self, past: Iterable[Past]) -> Policies:
        """The same rules, which know what was deployed before them, the oldest first."""
        found = Policies(**{name: getattr(self, name) for name in self.model_fields_set})
        found._past = tuple(past)
        return found

    def as_of(self, moment: datetime) -> Policies:
        """Those that held then. What was never told of, or is of a release that reads otherwise, gives way to what
        came next."""
        return next(held for _, held in self.since(moment))

    def since(self, moment: datetime) -> Iterator[tuple[datetime | None, Policies]]:
        """All that held since then, the oldest first, each with when it ended; the last one has not."""
        for one in self._past:
            if moment < one.until and (held := _read(one.content)) is not None:
                yield one.until, held
        yield None, self

    def __eq__(self, other: object) -> bool:
        """By what they say: to compare every rule with every rule takes milliseconds, and each look-up asks."""
        return self is other or (isinstance(other, Policies) and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def content(self) -> str:
        """Canonical JSON: the same rules give the same text, whatever their layout in the files."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def digest(self) -> str:
        """Names this set of rules in every decision made by it."""
        return hashlib.blake2b(self.content.encode(), digest_size=8).hexdigest()


@lru_cache(maxsize=64)
def _read(content: str) -> Policies | None:
    """None: another release wrote it, and it does not fit this one."""
    try:
        return Policies.model_validate_json(content)
    except ValidationError:
        return None
