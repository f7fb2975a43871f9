"""Whether channels are tested, and whether their cases are whole."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from engine.channel.case_files import CaseFiles, cases_folder, find_cases
from engine.channel.expectation import Expectation, named_files
from engine.channel.explain import did_you_mean, explain
from engine.channel.finding import Finding
from engine.channel.lints.ground import Ground
from engine.channel.policies import FOLDER, PARTS
from engine.channel.yaml_source import read_yaml


def check(ground: Ground) -> Iterator[Finding]:
    root = ground.site.root
    for channel in ground.channels:
        found = list(find_cases(root, channel.model.channel, channel.file.path))
        if not found:
            text = "nothing tests this channel"
            advice = f"put a message into {cases_folder(channel.file.path)}/<name>/input.…, then: isthmus test --update"
            yield channel.yaml.finding("C100", ("channel",), text, advice)
        for case in found:
            yield from _case(ground, case)
    yield from _orphans(ground)


def _case(ground: Ground, case: CaseFiles) -> Iterator[Finding]:
    if case.input is None:
        yield Finding(
            case.folder, 1, 1, "C101", f"the case '{case.name}' has no input.* file", "add input.hl7 or input.json"
        )
    if case.expectation is None:
        yield Finding(
            case.folder, 1, 1, "C102", f"the case '{case.name}' has no expect.yaml", "isthmus test --update writes it"
        )
        return
    path = ground.site.root / case.expectation
    source = read_yaml(path.read_text(encoding="utf-8", errors="replace"), case.expectation)
    yield from source.findings
    if not isinstance(source.data, dict):
        return
    try:
        Expectation.model_validate(source.data)
    except ValidationError as error:
        yield from explain(error, source, (), Expectation)
    for place in named_files(source.data):
        name = _at(source.data, place)
        if isinstance(name, str) and not (path.parent / name).is_file():
            yield source.finding(
                "C103", place, f"the file '{name}' is not beside this expectation", "add it, or correct the name"
            )


def _at(data: object, place: tuple[str | int, ...]) -> object:
    for part in place:
        data = data[part]  # type: ignore[index]
    return data


def _orphans(ground: Ground) -> Iterator[Finding]:
    known = {cases_folder(file.path) for file in ground.site.files}
    for folder in sorted((ground.site.root / "channels").rglob("*.cases")):
        place = folder.relative_to(ground.site.root).as_posix()
        if folder.is_dir() and place not in known:
            text = "there is no channel of this name beside these cases"
            yield Finding(place, 1, 1, "C104", text, "rename the folder like its channel's file")
    for folder in sorted((ground.site.root / FOLDER).glob("*.cases")):
        part, place = folder.name.removesuffix(".cases"), folder.relative_to(ground.site.root).as_posix()
        if folder.is_dir() and part not in PARTS:
            advice = did_you_mean(part, PARTS) or "rename the folder like its policy's file"
            yield Finding(place, 1, 1, "C104", f"there is no policy called '{part}'", advice)
