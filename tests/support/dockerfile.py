"""A Dockerfile as values: enough of its grammar to check our own, and to carry its steps out without a container."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Instruction:
    """`flags` are `--name=value` before the arguments; `words` the arguments, whether written as JSON or plainly."""

    keyword: str
    flags: dict[str, str]
    text: str

    @property
    def words(self) -> list[str]:
        text = self.text.removeprefix("CMD").strip() if self.keyword == "HEALTHCHECK" else self.text
        if text.startswith("["):
            return [str(word) for word in json.loads(text)]
        return shlex.split(text)

    @property
    def commands(self) -> list[list[str]]:
        """Of a RUN: the commands joined by `&&`, each as words; a redirection stays as words of its command."""
        return [shlex.split(part) for part in self.text.split("&&")]


@dataclass(frozen=True)
class Stage:
    base: str
    name: str
    instructions: tuple[Instruction, ...]

    def every(self, keyword: str) -> list[Instruction]:
        return [one for one in self.instructions if one.keyword == keyword]

    def last(self, keyword: str) -> Instruction | None:
        return next(iter(reversed(self.every(keyword))), None)

    def environment(self) -> dict[str, str]:
        pairs = [word.partition("=") for one in self.every("ENV") for word in one.words]
        return {name: value for name, _, value in pairs}


def read_dockerfile(text: str) -> list[Stage]:
    """The stages in order. Heredocs and the escape directive are not understood: ours has none.

    Raises:
        ValueError: an instruction stands before the first FROM.
    """
    stages: list[Stage] = []
    for one in _instructions(text):
        if one.keyword == "FROM":
            base, _, name = one.text.partition(" AS ")
            stages.append(Stage(base.strip(), name.strip(), ()))
        elif not stages:
            raise ValueError(f"{one.keyword} before FROM")
        else:
            last = stages[-1]
            stages[-1] = Stage(last.base, last.name, (*last.instructions, one))
    return stages


def _instructions(text: str) -> list[Instruction]:
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", kept)
    return [_one(line.strip()) for line in joined.splitlines() if line.strip()]


def _one(line: str) -> Instruction:
    keyword, _, rest = line.partition(" ")
    flags: dict[str, str] = {}
    while found := re.match(r"--([a-z-]+)(?:=(\S+))?\s+", rest):
        flags[found[1]] = found[2] or ""
        rest = rest[found.end() :]
    return Instruction(keyword.upper(), flags, rest.strip())
