"""A trading partner: `config/partners/<name>.yaml`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from engine.canonical.identifiers import Dea, Duns, Gln, Hin, TypedIdentifier, Uei
from engine.channel.model import Duration, Name, Settings
from engine.channel.transport import Transport
from engine.core.errors import DataTypeError
from engine.protocols.x12 import SUPPORTED_SETS, Rule, rule
from engine.protocols.x12.definition import definition

Qualifier = Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$")]
InterchangeId = Annotated[str, Field(pattern=r"^[\x20-\x7e]{2,15}$")]
GroupId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{2,15}$")]


# ISA05 and ISA07 that say which list the id is of, and what an id of it looks like. Source: X12 element I05.
_LISTS: dict[str, type[TypedIdentifier]] = {"01": Duns, "20": Hin, "07": Gln}


SETS = frozenset(SUPPORTED_SETS) | {"835", "837"}


def _checked(cls: type[TypedIdentifier]) -> AfterValidator:
    def check(text: str) -> str:
        try:
            return cls.of(text).value
        except DataTypeError as error:
            raise ValueError(f"{error.what}: {error.remedy}") from None

    return AfterValidator(check)


class Separators(Settings):
    """The characters that structure an interchange to this partner."""

    element: str = Field(default="*", min_length=1, max_length=1, description="Between elements.")
    component: str = Field(default=">", min_length=1, max_length=1, description="Between components (ISA16).")
    repetition: str = Field(default="^", min_length=1, max_length=1, description="Between repetitions (ISA11, 5010).")
    segment: str = Field(default="~", min_length=1, max_length=2, description="After each segment.")
    line_break: bool = Field(default=False, description="A line feed after each segment, for people.")

    @model_validator(mode="after")
    def _each_parts_one_thing(self) -> Self:
        given = (self.element, self.component, self.repetition, self.segment[0])
        if any(not one.isascii() or one.isalnum() or one in " .-\0" for one in given):
            raise ValueError("a separator is a sign that no word or number has: no letter, digit, blank, point or -")
        if len(set(given)) < len(given):
            raise ValueError("two separators are the same sign: each parts one thing")
        if self.segment[1:] not in ("", "\n"):
            raise ValueError("the segment separator is one sign, and a line feed after it where they want one")
        return self


def _known(codes: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [code for code in codes if code not in SETS]
    if unknown:
        raise ValueError(f"there is no set of this number here; known: {', '.join(sorted(SETS))}")
    return codes


SetCodes = Annotated[tuple[str, ...], AfterValidator(_known)]


class AgreedSets(Settings):
    """Which sets go which way. An empty list: any."""

    from_them: SetCodes = Field(default=(), description="Others are refused with AK502 1.", examples=[["810", "855"]])
    to_them: SetCodes = Field(default=(), description="Others are not sent: the delivery is HELD.", examples=[["850"]])


class Overlay(Settings):
    """One thing that the partner's guide asks beyond the standard, in both directions."""

    set: str = Field(description="The set it is about.", examples=["810"])
    at: str = Field(
        description="A segment (SAC), a segment by its first element (REF*VR), or an element (BIG07).",
        examples=["REF*VR", "BIG07"],
    )
    need: Literal["required", "forbidden"] | None = Field(default=None, description="Must be there, or must not.")
    codes: tuple[str, ...] = Field(default=(), description="Of an element: only these.", examples=[["DI", "CR"]])
    also: tuple[str, ...] = Field(default=(), description="Of an element: these beside the standard's own.")
    about: str = Field(default="", description="Why; for people.", examples=["their guide, page 12"])

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        _known((self.set,))
        given = [verb for verb, value in (("need", self.need), ("codes", self.codes), ("also", self.also)) if value]
        if len(given) != 1:
            raise ValueError("an overlay says one thing: need, codes or also")
        try:
            _check_place(self.rule)
        except DataTypeError as error:
            raise ValueError(f"{error.what}: {error.remedy}") from None
        return self

    @property
    def rule(self) -> Rule:
        verb = self.need or ("codes" if self.codes else "also")
        return rule(self.set, self.at, verb, self.codes or self.also)


class Contact(Settings):
    """Whom to call when interchanges fail."""

    name: str = Field(description="Person or desk.", examples=["EDI desk"])
    email: str | None = Field(default=None, description="Address.", examples=["edi@supplier.example"])
    telephone: str | None = Field(default=None, description="Number with country code.")


class Partner(Settings):
    """Who they are and who we are to them on the envelope, and what was agreed."""

    partner: Name = Field(description="Name used in channels; the file has the same name.")
    title: str = Field(default="", description="The company's name.", examples=["Lakeside Surgical Supply"])
    supplier_number: str | None = Field(
        default=None, description="Our number for it, as the ERP has it.", examples=["S1001"]
    )
    gln: Annotated[str, _checked(Gln)] | None = Field(
        default=None, description="Their GLN, with a right check digit.", examples=["0614141000012"]
    )
    hin: Annotated[str, _checked(Hin)] | None = Field(default=None, description="Their Health Industry Number.")
    duns: Annotated[str, _checked(Duns)] | None = Field(default=None, description="Their DUNS number.")
    uei: Annotated[str, _checked(Uei)] | None = Field(default=None, description="Their Unique Entity Identifier.")
    dea: Annotated[str, _checked(Dea)] | None = Field(
        default=None, description="Their DEA registration, when they sell controlled substances."
    )
    isa_qualifier: Qualifier = Field(description="Their ISA05/ISA07.", examples=["01", "ZZ"])
    isa_id: InterchangeId = Field(description="Their ISA06/ISA08, without padding.", examples=["006812345"])
    gs_id: GroupId | None = Field(default=None, description="Their GS02/GS03; the ISA id when absent.")
    our_isa_qualifier: Qualifier = Field(default="ZZ", description="Our ISA05/ISA07 towards them.")
    our_isa_id: InterchangeId = Field(description="Our ISA06/ISA08 towards them.", examples=["HARBORHEALTH"])
    our_gs_id: GroupId | None = Field(default=None, description="Our GS02/GS03; our ISA id when absent.")
    version: Literal["004010", "005010"] = Field(default="004010", description="X12 release of what we send (GS08).")
    separators: Separators = Field(default=Separators(), description="Structure characters of what we send.")
    envelope: Literal["strict", "tolerant"] = Field(
        default="strict", description="tolerant: wrong counts and control numbers are noted, not refused."
    )
    usage_indicator: Literal["T", "P"] = Field(default="P", description="ISA15: T test, P production.")
    sets: AgreedSets = Field(default=AgreedSets(), description="Which sets go which way.")
    overlays: tuple[Overlay, ...] = Field(default=(), description="What their guide asks beyond the standard.")
    acknowledge: bool = Field(default=True, description="Answer their sets with a 997 or 999.")
    acknowledge_with: Literal["997", "999"] = Field(
        default="997", description="Which of them; a group before 005010 gets a 997 in any case."
    )
    answers_with: Literal["group", "interchange", "none"] = Field(
        default="group",
        description="What they answer our sets with: group: a 997 or 999; interchange: a TA1 alone; none: nothing.",
    )
    request_ta1: bool = Field(default=False, description="ISA14 of what we send: ask for a TA1.")
    acknowledge_within: Duration = Field(
        default=timedelta(hours=4), description="An answer that takes longer is reported as overdue."
    )
    transport: Transport | None = Field(
        default=None, description="How they are reached; ends of channels take it by `transport:` and this name."
    )
    contacts: tuple[Contact, ...] = Field(default=(), description="Whom to call.")

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(overlay.rule for overlay in self.overlays)

    @model_validator(mode="after")
    def _ids_of_their_lists(self) -> Self:
        """An ISA id is of the list that its qualifier names; a DUNS number in two places is the same."""
        for name in ("isa", "our_isa"):
            cls = _LISTS.get(getattr(self, f"{name}_qualifier"))
            if cls is not None:
                _of_its_list(name, cls, getattr(self, f"{name}_id").strip())
        agreed = {"01": self.duns, "20": self.hin}.get(self.isa_qualifier)
        if agreed is not None and agreed != self.isa_id.strip():
            raise ValueError("isa_id differs from the number of the same list beside it: correct one of the two")
        return self


def _check_place(rule: Rule) -> None:
    """A rule at a place that its set does not have would never, or always, be broken.

    Raises:
        ValueError: no release that we know has the segment in the set, or the element in the segment.
    """
    tables = [table for version in ("004010", "005010") if (table := definition(rule.set_code, version))]
    if tables and not any(rule.segment in table.segment_ids for table in tables):
        raise ValueError(f"the {rule.set_code} has no segment {rule.segment}")
    described = [spec for table in tables if (spec := table.segments.get(rule.segment)) and spec.described]
    most = max((len(spec.elements) for spec in described), default=rule.element)
    if rule.element > most:
        raise ValueError(f"{rule.segment} has {most} elements")


def _of_its_list(name: str, cls: type[TypedIdentifier], text: str) -> None:
    try:
        cls.of(text)
    except DataTypeError as error:
        remedy = f"{error.remedy}; ZZ is the qualifier of ids agreed between two partners"
        raise ValueError(f"{name}_id is {error.what} ({name}_qualifier says so): {remedy}") from None
