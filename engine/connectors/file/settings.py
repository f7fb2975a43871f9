"""Settings of the `file` source and destination."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.channel.model import Duration, Name, Size
from engine.connectors.formats import FORMAT_WORDS, WRITTEN
from engine.connectors.wrapping import Unwrapping, Wrapping

TEMPLATE_FIELDS = frozenset({"natural_key", "key", "message_id", "control_number", "date", "kind", "partner"})
PARTIAL = ("*.tmp", "*.part", "*.partial", "*.filepart", "*.crdownload", "*.swp", "*~")


def _one_folder(text: str) -> str:
    if "\x00" in text or not text.strip():
        raise ValueError("write the path of a folder")
    return text


def _one_name(text: str) -> str:
    if "/" in text or "\x00" in text:
        raise ValueError("write a name, not a path")
    return text


def _template(text: str) -> str:
    unknown = set(re.findall(r"\{([^{}]*)\}", text)) - TEMPLATE_FIELDS
    rest = re.sub(r"\{[^{}]*\}", "", text)
    if unknown or "{" in rest or "}" in rest:
        raise ValueError(f"a name takes the fields {', '.join(sorted(TEMPLATE_FIELDS))} in braces")
    if not {"natural_key", "key", "message_id", "control_number"} & set(re.findall(r"\{([^{}]*)\}", text)):
        raise ValueError("a name needs {key}, {natural_key}, {control_number} or {message_id}, or files would collide")
    return _one_name(text)


Folder = Annotated[str, AfterValidator(_one_folder)]
FileName = Annotated[str, AfterValidator(_one_name)]
NameTemplate = Annotated[str, AfterValidator(_template)]


class FileSourceSettings(Unwrapping):
    """Reads each new file of a folder once it is complete, and moves it when its messages are safe."""

    folder: Folder = Field(description="Folder to watch, relative to the site.", examples=["data/invoices/in"])
    pattern: FileName = Field(default="*", description="Names that are read, with * and ?.", examples=["*.edi"])
    ignore: tuple[FileName, ...] = Field(
        default=PARTIAL, description="Names that are never read; hidden files never are, either."
    )
    poll: Duration = Field(default=timedelta(seconds=1), description="How often the folder is looked at.")
    stable_for: Duration = Field(
        default=timedelta(seconds=2),
        description="A file is complete when size and time stay unchanged so long and no program here has it open "
        "for writing. 0s when writers rename finished files into the folder.",
    )
    trigger: FileName | None = Field(
        default=None,
        description="Suffix of a marker file: invoice.edi is read when invoice.edi.ready exists. Removed afterwards.",
        examples=[".ready"],
    )
    order: Literal["name", "time"] = Field(default="name", description="Which file of several is first.")
    max_size: Size = Field(default=64 * 1024**2, description="Larger files are refused unread.")
    split: Literal["auto", "none", "hl7v2", "x12"] = Field(
        default="auto", description="Several messages in a file; auto: as the channel's format has it."
    )
    deduplicate: Literal["content", "name", "none"] = Field(
        default="content",
        description="What makes a file the same again: its content, its name (then other content is a conflict), "
        "or nothing. HL7 and X12 messages go by their own control ids.",
    )
    done: Folder | None = Field(default=None, description="Folder for read files; none: `done` in the folder.")
    error: Folder | None = Field(
        default=None, description="Folder for refused files, each with a .reason.txt; none: `error` in the folder."
    )
    after: Literal["move", "delete"] = Field(default="move", description="What becomes of a file that was read.")
    batch: int = Field(default=64, ge=1, le=1000, description="Files under way at once.")


class FileDestinationSettings(Wrapping):
    """Writes each delivery as one complete file."""

    folder: Folder = Field(description="Folder to write to, relative to the site.", examples=["data/orders/out"])
    # Not `name`: that is the destination's own name in the channel.
    file_name: NameTemplate = Field(
        default="{natural_key}_{key}",
        description="Name of the file. {key} is short and the same for every attempt and replay; {date} is the "
        "message's day; other fields: natural_key, message_id, control_number, kind, partner.",
        examples=["{partner}_{control_number}.edi"],
    )
    format: WRITTEN = Field(default="raw", description=FORMAT_WORDS)
    partner: Name | None = Field(
        default=None, description="Trading partner of an x12 destination; none: as the document says."
    )
    remember: Duration = Field(
        default=timedelta(days=90),
        description="How long a delivery is known, so that it is not written again after the reader took the file.",
    )
    create: bool = Field(default=True, description="Make the folder when it is missing.")

    @model_validator(mode="after")
    def _partner_only_for_x12(self) -> FileDestinationSettings:
        if self.partner is not None and self.format != "x12":
            raise ValueError("`partner` belongs to format: x12")
        return self
