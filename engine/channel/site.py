"""A site in memory: what `load_site` made of `channels/`, `transforms/` and `config/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.channel.crosswalk import CrosswalkFile
from engine.channel.finding import Finding, errors_among
from engine.channel.layout import Layout
from engine.channel.model import ChannelModel
from engine.channel.partner import Partner
from engine.channel.policies import Policies
from engine.channel.settings import EngineSettings
from engine.channel.yaml_source import YamlSource


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True)
class ChannelFile:
    """One file below `channels/`. `model` is None when it does not fit; then the site's findings say why."""

    path: str
    source: YamlSource
    model: ChannelModel | None = None

    @property
    def flow(self) -> str:
        """The folder it is in, below `channels/`."""
        return "/".join(self.path.split("/")[1:-1])


@dataclass(frozen=True)
class Site:
    """Everything an engine, a test or lint needs of a site. Secrets are references only.

    `channels` holds those that fit their model, by name; `scripts` are texts by name without `.py`;
    `findings` are what loading found (lint adds its own).
    """

    root: Path
    files: tuple[ChannelFile, ...] = ()
    channels: Mapping[str, ChannelModel] = field(default_factory=_empty)
    connections: Mapping[str, Mapping[str, Any]] = field(default_factory=_empty)
    partners: Mapping[str, Partner] = field(default_factory=_empty)
    crosswalks: Mapping[str, Mapping[str, str]] = field(default_factory=_empty)
    scripts: Mapping[str, str] = field(default_factory=_empty)
    policies: Policies = field(default_factory=Policies)
    engine: EngineSettings = field(default_factory=EngineSettings)
    findings: tuple[Finding, ...] = ()
    sources: Mapping[str, YamlSource] = field(default_factory=_empty)
    crosswalk_files: Mapping[str, CrosswalkFile] = field(default_factory=_empty)
    partner_files: Mapping[str, str] = field(default_factory=_empty)
    layouts: Mapping[str, Layout] = field(default_factory=_empty)
    layout_files: Mapping[str, str] = field(default_factory=_empty)

    def file_of(self, channel: str) -> ChannelFile:
        """The file of a channel by name. Raises KeyError."""
        return next(f for f in self.files if f.model is not None and f.model.channel == channel)

    @property
    def errors(self) -> list[Finding]:
        return errors_among(self.findings)
