"""New sites and channels that lint and test from the first minute."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from engine.channel.cases import run_cases, write_expectation
from engine.channel.load import CONNECTIONS, load_site
from engine.channel.site import Site
from engine.cli import scaffold_erp
from engine.cli import scaffold_texts as texts
from engine.cli.scaffold_ends import CONNECTIONS as KNOWN_CONNECTIONS
from engine.cli.scaffold_ends import DESTINATIONS, SOURCES
from engine.cli.scaffold_texts import Content
from engine.core.errors import ConfigurationError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_CONNECTION = re.compile(r"^connection: (\w+)", re.MULTILINE)
_PICKY = {
    "hl7v2_mllp": ("hl7v2", "what comes in is not HL7, and the destination sends HL7"),
    "fhir": ("fhir", "what comes in is not a resource, and the destination sends resources"),
}
_TAKE_DOCUMENTS = ("erp", "procure", "soap")
_FINGERPRINT = "A" * 43  # a place to write one
_MODELINE = "# yaml-language-server: $schema={up}config/schema/{name}.schema.json\n"


class NewChannel(NamedTuple):
    name: str
    source: str
    destination: str
    flow: str = "first"
    title: str = ""
    format: str | None = None


def new_site(root: Path, title: str) -> list[str]:
    """Make a site with one channel in an empty folder. Returns the files made.

    Raises:
        ConfigurationError: the folder has something in it.
    """
    if root.exists() and any(path.name != ".git" for path in root.iterdir()):
        raise ConfigurationError("the folder is not empty", where=str(root), remedy="name a new folder")
    files = {
        "config/engine.yaml": texts.ENGINE.format(title=_yaml_text(title)),
        "config/crosswalks/.gitkeep": "",
        "config/partners/.gitkeep": "",
        "transforms/.gitkeep": "",
        "channels/.gitkeep": "",
        ".gitignore": texts.IGNORE,
        "README.md": texts.README.format(title=title),
    }
    from engine.cli.schema import editor_settings, files_of

    files |= files_of() | {".vscode/settings.json": editor_settings()}
    made = [_write(root, path, text) for path, text in files.items()]
    first = NewChannel("admissions", "hl7v2_mllp", "file", title="Admissions tell which department a visit belongs to")
    return made + new_channel(root, first)


def new_channel(root: Path, wanted: NewChannel) -> list[str]:
    """Make a channel with its transform and one case, whose expectation is what comes out now.

    Raises:
        ConfigurationError: the name is taken or malformed, or the two ends do not go together.
    """
    site = load_site(root)
    _check_name(site, wanted)
    format_name = _format(wanted)
    content = _content(wanted, format_name)
    folder = f"channels/{wanted.flow}"
    made = [_write(root, f"{folder}/{wanted.name}.yaml", _channel_yaml(site, wanted, content, format_name))]
    if content.transform:
        made.append(_write(root, f"transforms/{wanted.name}.py", content.transform))
    case = f"{folder}/{wanted.name}.cases/sample"
    made.append(_write(root, f"{case}/{content.sample_name}", content.sample))
    made += _further_files(root, wanted, content)
    made += _connections(site, wanted)
    made.append(_expectation(root, wanted.name))
    return made


def _check_name(site: Site, wanted: NewChannel) -> None:
    if not _NAME.fullmatch(wanted.name) or not re.fullmatch(r"[a-z][a-z0-9_/]*", wanted.flow):
        remedy = "small letters, digits and _, beginning with a letter"
        raise ConfigurationError("this cannot be the name of a channel or flow", where=wanted.name, remedy=remedy)
    taken = wanted.name in site.channels or any(Path(file.path).stem == wanted.name for file in site.files)
    if taken or wanted.name in site.scripts:
        where = f"channels/{wanted.flow}/{wanted.name}.yaml"
        raise ConfigurationError("there is a channel or transform of this name", where=where, remedy="choose another")


def _format(wanted: NewChannel) -> str:
    fixed = SOURCES[wanted.source].format
    return fixed or wanted.format or ("hl7v2" if wanted.destination == "hl7v2_mllp" else "json")


def _content(wanted: NewChannel, format_name: str) -> Content:
    """Raises ConfigurationError when the two ends do not go together."""
    for destination, (needed, words) in _PICKY.items():
        if wanted.destination == destination and format_name != needed:
            raise _mismatch(wanted, words)
    content = _what_flows(wanted, format_name)
    if content is None:
        raise _mismatch(wanted, f"there is no sample for the format {format_name}")
    if content.transform is None and wanted.destination in _TAKE_DOCUMENTS:
        raise _mismatch(wanted, "what comes in makes no document, and the destination takes documents")
    return content


def _what_flows(wanted: NewChannel, format_name: str) -> Content | None:
    as_it_is = {"hl7v2_mllp": texts.AS_IT_IS, "fhir": texts.RESOURCE_AS_IT_IS}
    if wanted.destination in as_it_is:
        return as_it_is[wanted.destination]
    if wanted.destination == "erp" and format_name == "hl7v2":
        return texts.REQUISITION
    by_source = {
        "schedule": texts.TICK,
        "erp_orders": texts.ORDER_JSON,
        "erp_documents": scaffold_erp.RECEIPT,
        "erp_reconciliation": scaffold_erp.REPORT,
        "events": texts.EVENT,
        "window": texts.SUMS,
        "procure": texts.INVOICE_JSON,
        "payment_run": texts.PAYMENT_RUN,
    }
    by_format = {
        "x12": texts.ORDER_X12,
        "json": texts.SUPPLIER,
        "xml": texts.SUPPLIER_XML,
        "fhir": texts.SUPPLY_REQUEST,
        "hl7v2": texts.VISIT,
    }
    return by_source.get(wanted.source) or by_format.get(format_name)


def _mismatch(wanted: NewChannel, why: str) -> ConfigurationError:
    remedy = "choose other ends, or make a channel with each and edit them"
    return ConfigurationError(f"{wanted.source} to {wanted.destination}: {why}", remedy=remedy)


def _channel_yaml(site: Site, wanted: NewChannel, content: Content, format_name: str) -> str:
    values = {
        "name": wanted.name,
        "NAME": wanted.name.upper(),
        "format": format_name,
        "pattern": texts.PATTERNS[format_name],
        "port": _free_port(site, SOURCES[wanted.source].first_port or 6661),
        "fingerprint": _FINGERPRINT,
        "other": _other_channel(site) if wanted.destination == "channel" else "",
        "maker": _maker(site) if wanted.source == "window" else "",
    }
    source = SOURCES[wanted.source].settings.format(**values)
    if wanted.source == "http" and format_name != "json":
        source = f"format: {format_name}\n{source}"
    destination = DESTINATIONS[wanted.destination].settings.format(**values)
    if wanted.destination == "file" and content.transform:
        destination += '\nfile_name: "{natural_key}_{key}.json"\nformat: json'
    lines = [
        *_head_lines(wanted),
        *_source_lines(wanted, content, source),
        *_destination_lines(wanted, content, destination),
        *(_indented(texts.ACKNOWLEDGEMENT, "  ") if format_name == "x12" and content.transform else []),
    ]
    return "\n".join(lines) + "\n"


def _head_lines(wanted: NewChannel) -> list[str]:
    up = "../" * (2 + wanted.flow.count("/"))
    return [
        _MODELINE.format(up=up, name="channel").rstrip(),
        f"channel: {wanted.name}",
        "version: 1                            # raise it when the meaning changes",
        f"title: {_yaml_text(wanted.title or f'From {wanted.source} to {wanted.destination}')}",
        "owner: integration-team@hospital.example",
        *(f"enabled: false                        # until {one}" for one in _untils(wanted)),
        "",
    ]


def _untils(wanted: NewChannel) -> list[str]:
    """What somebody must do first."""
    untils = (SOURCES[wanted.source].until, DESTINATIONS[wanted.destination].until)
    return list(dict.fromkeys(one for one in untils if one))


def _yaml_text(text: str) -> str:
    """Plain where YAML takes it so, else in quotes."""
    return text if re.fullmatch(r"[A-Za-z][\w (),./-]*", text) else json.dumps(text, ensure_ascii=False)


def _source_lines(wanted: NewChannel, content: Content, source: str) -> list[str]:
    lines = ["source:", f"  type: {wanted.source}", *_indented(source, "  "), ""]
    if content.accept:
        lines += [f"accept: {content.accept:<30}# other types are refused"]
    lines += ["index:                                # searchable at once", f"  {content.keys}", ""]
    return lines + ([f"transform: {wanted.name}", ""] if content.transform else [])


def _destination_lines(wanted: NewChannel, content: Content, destination: str) -> list[str]:
    lines = ["destinations:", f"  - name: {_destination_name(wanted)}", f"    type: {wanted.destination}"]
    lines += [*_indented(destination, "    "), f"    send: {content.kind}"]
    return lines + ([f"    order_by: {content.order_by}"] if content.order_by else [])


def _indented(text: str, space: str) -> list[str]:
    return [f"{space}{line}" for line in text.splitlines()]


def _destination_name(wanted: NewChannel) -> str:
    return DESTINATIONS[wanted.destination].name or wanted.destination


def _free_port(site: Site, first: int) -> int:
    """The first port that no listener of the site has; whether the machine has it free shows when it runs."""
    taken = {str(site.engine.console.listen).rpartition(":")[2]}
    for file in site.files:
        data = file.source.data
        source = data.get("source") if isinstance(data, dict) else None
        if isinstance(source, dict):
            taken.add(str(source.get("listen", "")).rpartition(":")[2])
    return next(port for port in range(first, 65_536) if str(port) not in taken)


def _other_channel(site: Site) -> str:
    open_ones = [name for name, model in site.channels.items() if model.source.type == "channel"]
    if not open_ones:
        remedy = "make it first: isthmus channel new NAME --source channel --destination file"
        raise ConfigurationError("there is no channel yet that others can hand over to", remedy=remedy)
    return open_ones[0]


def _maker(site: Site) -> str:
    makers = [name for name, model in site.channels.items() if any(d.send == "Requisition" for d in model.destinations)]
    if not makers:
        remedy = "make one first: isthmus channel new NAME --source hl7v2_mllp --destination erp"
        raise ConfigurationError("there is no channel yet whose requisitions could be summed", remedy=remedy)
    return makers[0]


def _further_files(root: Path, wanted: NewChannel, content: Content) -> list[str]:
    files = {**SOURCES[wanted.source].files, **DESTINATIONS[wanted.destination].files}
    number = content.order_by or ""
    return [
        _write(root, path.format(name=wanted.name), text.replace("@number@", number)) for path, text in files.items()
    ]


def _connections(site: Site, wanted: NewChannel) -> list[str]:
    """The connections that the scaffold names, where the site does not have them yet."""
    ends = SOURCES[wanted.source].settings + "\n" + DESTINATIONS[wanted.destination].settings
    missing = [name for name in dict.fromkeys(_CONNECTION.findall(ends)) if name not in site.connections]
    if not missing:
        return []
    path = site.root / CONNECTIONS
    head = (
        path.read_text(encoding="utf-8")
        if path.is_file()
        else _MODELINE.format(up="../", name="connections").replace("../config/", "")
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + "".join(KNOWN_CONNECTIONS[name] for name in missing), encoding="utf-8")
    return [CONNECTIONS]


def _expectation(root: Path, channel: str) -> str:
    from engine.cli.dry_run import runner_for

    site = load_site(root)
    outcome = next(iter(run_cases(site, runner_for(site), [channel])))
    return write_expectation(root, outcome)


def _write(root: Path, path: str, text: str) -> str:
    target = root / path
    if target.exists():
        raise ConfigurationError("the file is there already", where=path, remedy="remove it, or choose another name")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.encode())  # as it is: samples keep their carriage returns
    return path
