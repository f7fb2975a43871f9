"""The policies of a site as one frozen value with a digest: `config/policies/*.yaml`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property

from pydantic import Field

from engine.channel.model import Settings
from engine.channel.policy_calendars import Calendars, Milestones
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
    "usage": Usage,
    "records": RecordRules,
    "postings": Postings,
}
"""Name of the file, without `.yaml`, to what it holds."""


class Policies(Settings):
    """Each part is a file of its own name. A file that is not there has the usual values."""

    tolerances: Tolerances = Field(default=Tolerances(), description="How far an invoice may differ.")
    matching: Matching = Field(default=Matching(), description="What an invoice is matched with.")
    approvals: Approvals = Field(default=Approvals(), description="Who approves what.")
    exceptions: Exceptions = Field(default=Exceptions(), description="Who decides exceptions, and by when.")
    milestones: Milestones = Field(default=Milestones(), description="Promised times.")
    calendars: Calendars = Field(default=Calendars(), description="Business hours, holidays, fiscal periods.")
    people: People = Field(default=People(), description="Who there is.")
    usage: Usage = Field(default=Usage(), description="How use, charges and stock are handled.")
    records: RecordRules = Field(default=RecordRules(), description="Which system is right about which field.")
    postings: Postings = Field(default=Postings(), description="To which systems documents are posted.")

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
