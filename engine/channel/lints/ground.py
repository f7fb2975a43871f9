"""What every family of lint looks at: the site, the connectors' settings parsed, and what scripts may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from engine.channel.explain import did_you_mean, explain, known_words
from engine.channel.finding import Finding
from engine.channel.model import DESTINATION_KEYS, SOURCE_KEYS, ChannelModel, DestinationModel
from engine.channel.site import ChannelFile, Site
from engine.channel.yaml_source import Path, YamlSource
from engine.core.errors import IsthmusError
from engine.ports.catalog import Catalog, ConnectorType


@dataclass(frozen=True)
class Knowledge:
    """What the layers above know: connectors, names of `engine.sdk`, modules for scripts, types of connections."""

    catalog: Catalog
    sdk_names: frozenset[str] = frozenset()
    script_modules: frozenset[str] = frozenset()
    connections: Mapping[str, Callable[[], type[BaseModel]]] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """A source or destination: where it stands, what it is, its settings when they fit."""

    path: Path
    type: str
    raw: Mapping[str, Any]
    entry: ConnectorType | None = None
    settings: BaseModel | None = None
    model: DestinationModel | None = None


@dataclass(frozen=True)
class ChannelGround:
    file: ChannelFile
    model: ChannelModel
    format: str
    source_end: End
    ends: tuple[End, ...] = ()

    @property
    def yaml(self) -> YamlSource:
        return self.file.source

    @property
    def all_ends(self) -> tuple[End, ...]:
        return (self.source_end, *self.ends)


@dataclass(frozen=True)
class Ground:
    site: Site
    knowledge: Knowledge
    channels: tuple[ChannelGround, ...] = ()
    findings: list[Finding] = field(default_factory=list)


def survey(site: Site, knowledge: Knowledge) -> Ground:
    """Parse the connectors' settings of every channel that loaded; what does not fit is in `findings`."""
    findings: list[Finding] = []
    channels = tuple(
        _channel(file, file.model, knowledge.catalog, findings) for file in site.files if file.model is not None
    )
    return Ground(site, knowledge, channels, findings)


def _channel(file: ChannelFile, model: ChannelModel, catalog: Catalog, findings: list[Finding]) -> ChannelGround:
    raw = file.source.data["source"]
    source = _end(file.source, ("source",), raw, model.source.settings, catalog.sources, SOURCE_KEYS, findings)
    ends = []
    for index, destination in enumerate(model.destinations):
        path: Path = ("destinations", index)
        raw_end = file.source.data["destinations"][index]
        end = _end(file.source, path, raw_end, destination.settings, catalog.destinations, DESTINATION_KEYS, findings)
        ends.append(End(end.path, end.type, end.raw, end.entry, end.settings, destination))
    usual = source.entry.format if source.entry else "bytes"
    return ChannelGround(file, model, model.source.format or usual, source, tuple(ends))


def _end(
    source: YamlSource,
    path: Path,
    raw: Mapping[str, Any],
    settings: Mapping[str, Any],
    types: Mapping[str, ConnectorType],
    own_keys: frozenset[str],
    findings: list[Finding],
) -> End:
    name = str(raw.get("type"))
    entry = types.get(name)
    if entry is None:
        direction = "source" if path == ("source",) else "destination"
        advice = did_you_mean(name, types) or known_words(types)
        findings.append(source.finding("C020", (*path, "type"), f"there is no {direction} of type '{name}'", advice))
        return End(path, name, raw)
    return End(path, name, raw, entry, _settings(source, path, settings, entry, own_keys, findings))


def _settings(
    source: YamlSource,
    path: Path,
    settings: Mapping[str, Any],
    entry: ConnectorType,
    own_keys: frozenset[str],
    findings: list[Finding],
) -> BaseModel | None:
    try:
        model = entry.load()
    except (ImportError, IsthmusError) as error:
        why = error.what if isinstance(error, IsthmusError) else "a part of it is not installed"
        findings.append(source.finding("C020", (*path, "type"), f"'{entry.name}' cannot be used: {why}"))
        return None
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        findings.extend(explain(error, source, path, model, own_keys))
        return None


def strings_in(data: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text value below, with its path."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from strings_in(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from strings_in(value, (*path, index))
    elif isinstance(data, str):
        yield path, data
