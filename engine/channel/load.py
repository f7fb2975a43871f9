"""Read a site from disk. A file that does not fit gives findings; the others still load."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from engine.channel.crosswalk import CrosswalkFile, read_csv
from engine.channel.explain import did_you_mean, explain, known_words
from engine.channel.finding import Finding
from engine.channel.layout import Layout
from engine.channel.model import ChannelModel, split_settings
from engine.channel.partner import Partner
from engine.channel.policies import FOLDER as POLICIES
from engine.channel.policies import PARTS, Policies
from engine.channel.reached import reached
from engine.channel.settings import EngineSettings
from engine.channel.site import ChannelFile, Site
from engine.channel.yaml_source import MAX_CHARACTERS, YamlSource, read_yaml

_Model = TypeVar("_Model", bound=BaseModel)
ENGINE, CONNECTIONS = "config/engine.yaml", "config/connections.yaml"


@dataclass
class _Loading:
    root: Path
    findings: list[Finding] = field(default_factory=list)
    sources: dict[str, YamlSource] = field(default_factory=dict)

    def text(self, path: str) -> str | None:
        try:
            data = (self.root / path).read_bytes()
            if len(data) > 4 * MAX_CHARACTERS:
                self._unreadable(path, "C013", "the file is far too large", "split it")
                return None
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            self._unreadable(path, "C016", "the file is not UTF-8 text", "save it as UTF-8 in your editor")
        except OSError as error:
            self._unreadable(path, "C016", f"the file cannot be read: {error.strerror}", None)
        return None

    def _unreadable(self, path: str, code: str, text: str, suggestion: str | None) -> None:
        self.findings.append(Finding(path, 1, 1, code, text, suggestion))

    def yaml(self, path: str, *, as_text: bool = False) -> YamlSource:
        text = self.text(path)
        source = read_yaml(text, path, as_text=as_text) if text is not None else YamlSource(path)
        self.findings.extend(source.findings)
        self.sources[path] = source
        return source

    def model(self, source: YamlSource, model: type[_Model], data: Any) -> _Model | None:
        if not isinstance(data, dict):
            if not source.findings and source.data is not None:
                self.findings.append(
                    source.finding("C015", (), "the file must hold keys and values", "write `key: value`")
                )
            return None
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self.findings.extend(explain(error, source, (), model))
            return None

    def find(self, folder: str, *suffixes: str) -> list[str]:
        """Files below a folder, sorted, as paths from the site's root. Links out of the site are not followed."""
        found = []
        for directory, folders, names in os.walk(self.root / folder):
            folders[:] = [n for n in folders if not n.startswith((".", "__")) and not n.endswith(".cases")]
            inside = Path(directory).relative_to(self.root).as_posix()
            found += [f"{inside}/{n}" for n in names if n.endswith(suffixes) and not n.startswith(".")]
        return sorted(path for path in found if self._is_inside(path))

    def _is_inside(self, path: str) -> bool:
        target = self.root / path
        if not target.is_symlink() or target.resolve().is_relative_to(self.root.resolve()):
            return True
        self._unreadable(path, "C093", "the link leads out of the site", "put a copy of the file here")
        return False


def load_site(root: Path) -> Site:
    """The site below `root`. Never raises for what is in it: see `Site.findings`.

    Raises:
        NotADirectoryError: there is no such folder.
    """
    if not root.is_dir():
        raise NotADirectoryError(f"no folder {root}")
    loading = _Loading(root)
    partners, partner_files = _partners(loading)
    files = tuple(_channel(loading, path, partners) for path in loading.find("channels", ".yaml", ".yml"))
    crosswalks = _named_crosswalks(loading)
    layouts, layout_files = _layouts(loading)
    return Site(
        root=root,
        files=files,
        channels=_unique(loading, files),
        connections=_connections(loading),
        partners=partners,
        partner_files=partner_files,
        layouts=layouts,
        layout_files=layout_files,
        crosswalks={name: file.table for name, file in crosswalks.items()},
        crosswalk_files=crosswalks,
        scripts=_scripts(loading),
        policies=_policies(loading),
        engine=_engine(loading),
        findings=tuple(sorted(loading.findings)),
        sources=loading.sources,
    )


def load_layouts(root: Path) -> dict[str, Layout]:
    """Those below `config/layouts` that fit; what does not is lint's matter."""
    return _layouts(_Loading(root))[0]


def _channel(loading: _Loading, path: str, partners: Mapping[str, Partner]) -> ChannelFile:
    source = loading.yaml(path)
    data = reached(split_settings(source.data), partners) if isinstance(source.data, dict) else source.data
    return ChannelFile(path, source, loading.model(source, ChannelModel, data))


def _unique(loading: _Loading, files: Iterable[ChannelFile]) -> dict[str, ChannelModel]:
    channels: dict[str, ChannelModel] = {}
    first: dict[str, str] = {}
    for file in files:
        if file.model is None:
            continue
        name = file.model.channel
        if name in channels:
            text = f"the channel '{name}' is also in {first[name]}"
            loading.findings.append(file.source.finding("C021", ("channel",), text, "give it another name"))
            continue
        channels[name], first[name] = file.model, file.path
    return channels


def _scripts(loading: _Loading) -> dict[str, str]:
    flat = (path for path in loading.find("transforms", ".py") if path.count("/") == 1)
    texts = {Path(path).stem: loading.text(path) for path in flat}
    return {name: text for name, text in texts.items() if text is not None}


def _engine(loading: _Loading) -> EngineSettings:
    if not (loading.root / ENGINE).exists():
        return EngineSettings()
    source = loading.yaml(ENGINE)
    return loading.model(source, EngineSettings, source.data) or EngineSettings()


def _connections(loading: _Loading) -> dict[str, dict[str, Any]]:
    """Name to settings, with `type`; what else belongs there the connection's own type says (see lint)."""
    if not (loading.root / CONNECTIONS).exists():
        return {}
    source = loading.yaml(CONNECTIONS)
    found: dict[str, dict[str, Any]] = {}
    for name, settings in (source.data if isinstance(source.data, dict) else {}).items():
        if not isinstance(settings, dict):
            text = f"the connection '{name}' must be a group of settings"
            loading.findings.append(source.finding("C003", (name,), text, "write `type:` and its settings below it"))
        elif not isinstance(settings.get("type"), str):
            text = f"the setting 'type' is missing in '{name}'"
            loading.findings.append(source.finding("C002", (name,), text, "for example: type: tryton", key=True))
        else:
            found[name] = settings
    return found


def _partners(loading: _Loading) -> tuple[dict[str, Partner], dict[str, str]]:
    partners: dict[str, Partner] = {}
    paths: dict[str, str] = {}
    for path in loading.find("config/partners", ".yaml", ".yml"):
        source = loading.yaml(path)
        partner = loading.model(source, Partner, source.data)
        if partner and partner.partner in partners:
            text = f"the partner '{partner.partner}' is also in {paths[partner.partner]}"
            loading.findings.append(source.finding("C083", ("partner",), text, "give it another name"))
        elif partner:
            partners[partner.partner], paths[partner.partner] = partner, path
    return partners, paths


def _layouts(loading: _Loading) -> tuple[dict[str, Layout], dict[str, str]]:
    layouts: dict[str, Layout] = {}
    paths: dict[str, str] = {}
    for path in loading.find("config/layouts", ".yaml", ".yml"):
        source = loading.yaml(path)
        layout = loading.model(source, Layout, source.data)
        if layout and layout.layout in layouts:
            text = f"the layout '{layout.layout}' is also in {paths[layout.layout]}"
            loading.findings.append(source.finding("C120", ("layout",), text, "give it another name"))
        elif layout:
            layouts[layout.layout], paths[layout.layout] = layout, path
    return layouts, paths


def load_policies(root: Path) -> Policies:
    """Those below `config/policies`; what does not fit is left at its usual values and is lint's matter."""
    return _policies(_Loading(root))


def read_policies(path: Path, base: Policies) -> tuple[Policies, tuple[Finding, ...]]:
    """One policy's file, or a folder of them, in the place of those of `base`; with what does not fit."""
    loading = _Loading(path if path.is_dir() else path.parent)
    names = loading.find(".", ".yaml", ".yml") if path.is_dir() else [path.name]
    found = _policies(loading, names)
    given = {name: getattr(found, name) for name in found.model_fields_set}
    parts = {name: getattr(base, name) for name in PARTS} | given  # not model_copy: it would copy the digest
    return Policies(**parts), tuple(loading.findings)


def _policies(loading: _Loading, paths: Iterable[str] | None = None) -> Policies:
    parts: dict[str, BaseModel] = {}
    for path in loading.find(POLICIES, ".yaml", ".yml") if paths is None else paths:
        source, name = loading.yaml(path), Path(path).stem
        model = PARTS.get(name)
        if model is None:
            advice = did_you_mean(name, PARTS) or known_words(PARTS)
            loading.findings.append(source.finding("C130", (), f"there is no policy called '{name}'", advice))
        elif part := loading.model(source, model, source.data):
            parts[name] = part
    return Policies(**parts)


def _named_crosswalks(loading: _Loading) -> dict[str, CrosswalkFile]:
    named: dict[str, CrosswalkFile] = {}
    for name, file in _crosswalks(loading):
        if name in named:
            text = f"the crosswalk '{name}' is also in {named[name].path}"
            loading.findings.append(Finding(file.path, 1, 1, "C046", text, "rename one of the files"))
        named.setdefault(name, file)
    return named


def _crosswalks(loading: _Loading) -> Iterator[tuple[str, CrosswalkFile]]:
    for path in loading.find("config/crosswalks", ".csv", ".yaml", ".yml"):
        name = Path(path).stem
        if path.endswith(".csv"):
            text = loading.text(path)
            if text is not None:
                yield name, _csv_crosswalk(loading, path, text)
        else:
            yield name, _yaml_crosswalk(loading, path)


def _yaml_crosswalk(loading: _Loading, path: str) -> CrosswalkFile:
    source = loading.yaml(path, as_text=True)
    table: dict[str, str] = {}
    for key, value in (source.data if isinstance(source.data, dict) else {}).items():
        if isinstance(value, str):
            table[key] = value
        else:
            text = f"'{key}' must stand for one value"
            loading.findings.append(source.finding("C042", (key,), text, "write `from: to`"))
    return CrosswalkFile(path, table, {key: source.key_at((key,)).line for key in table})


def _csv_crosswalk(loading: _Loading, path: str, text: str) -> CrosswalkFile:
    file, findings = read_csv(path, text)
    loading.findings.extend(findings)
    return file
