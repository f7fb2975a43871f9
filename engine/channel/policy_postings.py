"""`config/policies/postings.yaml`: to which systems a document is posted, in order, and what takes it back."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from engine.channel.model import Settings
from engine.channel.policy_records import SystemName
from engine.ports.procure import COMMANDS


def _known(name: str) -> str:
    if name not in COMMANDS:
        raise ValueError(f"no command is called '{name}'; there are: {', '.join(COMMANDS)}")
    return name


CommandName = Annotated[str, AfterValidator(_known)]


class PostingStep(Settings):
    """One system's part. The next step begins when it is done."""

    command: CommandName = Field(description="What the system is asked to do.", examples=["post_invoice"])
    system: SystemName = Field(default="erp", description="Who answers.", examples=["erp"])
    undone_by: CommandName | None = Field(
        default=None,
        description="Takes it back when a later step is refused. Only the last step can be without.",
        examples=["undo_post_invoice"],
    )


class PostingPlan(Settings):
    """What follows a command of the process: its steps, the first of which is the command itself."""

    command: CommandName = Field(description="The command that begins it.", examples=["post_invoice"])
    steps: tuple[PostingStep, ...] = Field(min_length=1, description="One after the other.")

    @model_validator(mode="after")
    def _can_be_carried_out(self) -> Self:
        if self.steps[0].command != self.command:
            raise ValueError(f"the first step is not {self.command} itself")
        for one in self.steps[:-1]:
            if one.undone_by is None:
                raise ValueError(f"nothing takes {one.command} back, so it must be the last step: give undone_by")
        commands = [one.command for one in self.steps]
        if len(set(commands)) != len(commands):
            raise ValueError("a command stands in two steps: systems could not tell them apart")
        return self


class Postings(Settings):
    """All of `postings.yaml`. A command that no plan names is its own plan, of one step."""

    plans: tuple[PostingPlan, ...] = Field(default=(), description="By the command that begins them.")

    @model_validator(mode="after")
    def _once(self) -> Self:
        begin = [one.command for one in self.plans]
        if twice := next((one for one in begin if begin.count(one) > 1), None):
            raise ValueError(f"two plans begin with {twice}: keep one of them")
        return self
