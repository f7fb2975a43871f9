"""Every command says what it does, explains each option and shows an example."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from engine.cli.main import COMMANDS, Commands

SHOWS_ITSELF = {"demo"}  # its options are all there is to say


def _every_command() -> Iterator[tuple[str, click.Command]]:
    group = Commands()
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())
        else:
            yield name, command


EVERY = dict(_every_command())


@pytest.mark.parametrize("name", EVERY)
def test_every_option_is_explained(name: str) -> None:
    options = [one for one in EVERY[name].params if isinstance(one, click.Option)]

    assert [one.name for one in options if not one.help] == []


@pytest.mark.parametrize("name", sorted(EVERY.keys() - SHOWS_ITSELF))
def test_an_example_names_the_command(name: str) -> None:
    text = EVERY[name].help or ""

    assert f"isthmus {name}" in text[text.find("Example") :]
