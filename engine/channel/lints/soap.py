"""What SOAP ends name: WSDL, schemas and templates that are there and fit, operations that the WSDL has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from engine.channel.explain import did_you_mean, known_words
from engine.channel.finding import Finding
from engine.channel.lints.ground import ChannelGround, End, Ground
from engine.channel.site_files import SiteFiles, site_file
from engine.channel.yaml_source import Path
from engine.core.errors import ConfigurationError, MessageError

if TYPE_CHECKING:
    from engine.protocols.soap.wsdl import Wsdl


def check(ground: Ground) -> Iterator[Finding]:
    for channel in ground.channels:
        for end in channel.all_ends:
            if end.type == "soap" and end.settings is not None:
                yield from _written(channel, end, end.settings)
                yield from _templates(ground, channel, end)
                yield from _wsdl(ground, channel, end, end.settings)


def _written(channel: ChannelGround, end: End, settings: Any) -> Iterator[Finding]:
    """A document is JSON: something must say how it becomes a call."""
    if end.model is None or end.model.send in (None, "message") or settings.template or settings.operation:
        return
    advice = "name wsdl: and operation:, or a template:"
    yield channel.yaml.finding("C065", (*end.path, "send"), "nothing says how the document becomes a call", advice)


def _templates(ground: Ground, channel: ChannelGround, end: End) -> Iterator[Finding]:
    from engine.protocols.soap.template import compile_template  # brings an XML library, and few sites speak SOAP

    answers = end.raw.get("answers") or {}
    named: list[tuple[Path, str]] = [((*end.path, "answers", one), file) for one, file in answers.items()]
    if end.raw.get("template"):
        named.append(((*end.path, "template"), end.raw["template"]))
    for path, file in named:
        try:
            compile_template(site_file(ground.site.root, file, "the template"), file)
        except (ConfigurationError, MessageError) as error:
            yield channel.yaml.finding("C065", path, f"{file}: {error.what}", error.remedy or "correct the template")


def _wsdl(ground: Ground, channel: ChannelGround, end: End, settings: Any) -> Iterator[Finding]:
    """A destination's WSDL may hold bindings that only a client can speak, so only its schema is looked at."""
    from engine.protocols.soap.wsdl import read_schema, read_wsdl

    if settings.wsdl is None:
        return
    path = PurePosixPath(settings.wsdl)
    files = SiteFiles(ground.site.root / path.parent)
    try:
        if end is not channel.source_end:
            read_schema(path.name, files.load, files.resolve)
            return
        wsdl = read_wsdl(path.name, files.load, files.resolve, settings.service)
    except (ConfigurationError, MessageError) as error:
        place = f"{error.where}: " if error.where else ""
        yield channel.yaml.finding("C065", (*end.path, "wsdl"), f"{place}{error.what}", error.remedy or "correct it")
        return
    yield from _operations(channel, end, wsdl)


def _operations(channel: ChannelGround, end: End, wsdl: Wsdl) -> Iterator[Finding]:
    known = {one.name for one in wsdl.operations}
    accepted = enumerate(channel.model.accept)
    served = enumerate(end.raw.get("operations") or ())
    named: Iterable[tuple[Path, str]] = (
        *((("accept", number), name) for number, name in accepted),
        *(((*end.path, "operations", number), name) for number, name in served),
        *(((*end.path, "answers", name), name) for name in end.raw.get("answers") or {}),
    )
    for path, name in named:
        if name not in known:
            advice = did_you_mean(name, known) or known_words(known)
            yield channel.yaml.finding("C066", path, f"the WSDL has no operation '{name}'", advice)
