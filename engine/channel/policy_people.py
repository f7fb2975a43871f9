"""`config/policies/people.yaml`: who there is, in which roles, under whom, and from when to when. No secrets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from engine.canonical.money import Currency
from engine.channel.model import Settings
from engine.channel.policy_parts import Amount, PolicyCode

RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
PersonId = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\S{1,80}$")]


def same_person(name: str) -> str:
    """People are told apart without regard to case and blanks around."""
    return name.strip().casefold()


class Role(Settings):
    """What people do; cases and approvals are given to roles."""

    title: str = Field(default="", description="For people.", examples=["Accounts payable"])
    approves_up_to: Amount | None = Field(
        default=None, description="Largest amount that one in this role approves; left out: none.", examples=["5000"]
    )
    currency: Currency | None = Field(
        default=None, description="Of `approves_up_to`; left out: the base of currencies.yaml.", examples=["EUR"]
    )
    unlimited: bool = Field(default=False, description="Approves any amount.")
    instead: RoleName | None = Field(default=None, description="Role that takes over while nobody has this one.")


class Person(Settings):
    """One person, as the login knows her."""

    person: PersonId = Field(description="Name at login.", examples=["r.okafor"])
    name: str = Field(default="", description="For people.", examples=["R. Okafor"])
    also: tuple[PersonId, ...] = Field(
        default=(), description="Other names of the same person in other systems.", examples=[["E2041"]]
    )
    roles: tuple[RoleName, ...] = Field(default=(), description="What she does.", examples=[["buyer"]])
    departments: tuple[PolicyCode, ...] = Field(
        default=(), description="For which departments; empty: for all.", examples=[["M-OR"]]
    )
    facilities: tuple[PolicyCode, ...] = Field(default=(), description="For which facilities; empty: for all.")
    manager: PersonId | None = Field(default=None, description="To whom she reports.", examples=["d.lindqvist"])
    first_day: date | None = Field(default=None, description="From when; left out: always.", examples=["2026-01-01"])
    last_day: date | None = Field(
        default=None, description="Until when, this day included. Set it instead of removing a person who leaves."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError("last_day is before first_day")
        return self

    def here_on(self, day: date) -> bool:
        return (self.first_day is None or self.first_day <= day) and (self.last_day is None or day <= self.last_day)

    @property
    def names(self) -> Iterator[str]:
        yield same_person(self.person)
        yield from map(same_person, self.also)


class Department(Settings):
    """Whose approval a department's spending needs."""

    title: str = Field(default="", description="For people.", examples=["Operating rooms"])
    head: PersonId | None = Field(default=None, description="Who leads it.", examples=["d.lindqvist"])
    facility: PolicyCode | None = Field(default=None, description="Where it is.")
    parent: PolicyCode | None = Field(default=None, description="Department above it.")


class People(Settings):
    """All of `people.yaml`."""

    roles: dict[RoleName, Role] = Field(default_factory=dict, description="Roles by name.")
    departments: dict[PolicyCode, Department] = Field(default_factory=dict, description="Departments by code.")
    people: tuple[Person, ...] = Field(default=(), description="Everybody whom policies name.")

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        seen: set[str] = set()
        for one in self.people:
            for name in one.names:
                if name in seen:
                    raise ValueError(f"the name of '{one.person}' is also another person's")
                seen.add(name)
        return self
