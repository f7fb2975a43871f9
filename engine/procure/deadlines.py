"""Promised times: by when a stage must be over, and whether it was."""

from __future__ import annotations

from datetime import datetime

from engine.channel.policies import Policies
from engine.channel.policy_calendars import Milestone, MilestoneName
from engine.channel.policy_parts import Aspects, most_specific
from engine.procure.calendar import calendar_of


def milestone_for(policies: Policies, name: MilestoneName, of: Aspects) -> Milestone | None:
    """The most specific promise; None: nothing was promised."""
    rules = (one for one in policies.milestones.milestones if one.milestone == name)
    return next(iter(most_specific(rules, of)), None)


def promised_by(policies: Policies, name: MilestoneName, began: datetime, of: Aspects) -> datetime | None:
    """When a stage that began then must be over, in the business time of its facility."""
    milestone = milestone_for(policies, name, of)
    return calendar_of(policies, of.facility).after(began, milestone.within) if milestone else None


def kept(policies: Policies, name: MilestoneName, began: datetime, ended: datetime, of: Aspects) -> bool | None:
    """Whether the promise was kept; None: there was none. On the minute is kept."""
    due = promised_by(policies, name, began, of)
    return None if due is None else ended <= due
