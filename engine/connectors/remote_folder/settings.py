"""Settings of a folder on a server that is watched, and of one that is written to."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.channel.model import Duration, Name, Size
from engine.connectors.file.settings import PARTIAL, FileName, Folder, NameTemplate
from engine.connectors.formats import FORMAT_WORDS, WRITTEN
from engine.connectors.wrapping import Unwrapping, Wrapping


def _tidy(folder: str) -> str:
    return folder.rstrip("/") or "/"


RemoteFolder = Annotated[Folder, AfterValidator(_tidy)]


class WatchedFolder(Unwrapping):
    """Reads each new file of a server's folder once it is complete, and moves it when its messages are safe."""

    folder: RemoteFolder = Field(description="Folder of the server to watch.", examples=["/outgoing"])
    pattern: FileName = Field(default="*", description="Names that are read, with * and ?.", examples=["*.edi"])
    ignore: tuple[FileName, ...] = Field(
        default=PARTIAL, description="Names that are never read; hidden files never are, either."
    )
    poll: Duration = Field(default=timedelta(seconds=30), description="How often the folder is looked at.")
    stable_for: Duration = Field(
        default=timedelta(seconds=10),
        description="A file is complete when size and time stay unchanged so long. 0s when writers rename finished "
        "files into the folder.",
    )
    order: Literal["name", "time"] = Field(default="name", description="Which file of several is first.")
    max_size: Size = Field(default=64 * 1024**2, description="Larger files are refused unread.")
    split: Literal["auto", "none", "hl7v2", "x12"] = Field(
        default="auto", description="Several messages in a file; auto: as the channel's format has it."
    )
    deduplicate: Literal["file", "content", "name", "none"] = Field(
        default="file",
        description="What makes a file the same again: its path with its content, its content alone, its path alone "
        "(then other content is a conflict), or nothing. HL7 and X12 messages go by their own control ids.",
    )
    done: RemoteFolder | None = Field(
        default=None, description="Folder of the server for read files; none: `done` in the folder."
    )
    error: RemoteFolder | None = Field(
        default=None,
        description="Folder of the server for refused files, each with a .reason.txt; none: `error` in the folder.",
    )
    after: Literal["move", "delete", "keep"] = Field(
        default="move",
        description="What becomes of a file that was read. keep: for a server where we may only read; nothing is "
        "claimed or moved, and a file that is there again after a restart is told by deduplicate.",
    )
    parallel: int = Field(default=32, ge=1, le=256, description="Files under way at once.")

    @model_validator(mode="after")
    def _kept_files_are_told_apart(self) -> WatchedFolder:
        if self.after == "keep" and self.deduplicate == "none":
            raise ValueError("after: keep needs deduplicate, or each file is taken in again after every restart")
        return self


class WrittenFolder(Wrapping):
    """Writes each delivery as one complete file."""

    folder: RemoteFolder = Field(description="Folder of the server to write to.", examples=["/incoming"])
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
    marks: bool = Field(
        default=True,
        description="Keep a mark of each delivery in `.sent` of the folder: the same one is never written twice, even "
        "if its reader took it. Without: for servers that allow no folder of ours; an unknown outcome waits for a "
        "person.",
    )
    remember: Duration = Field(default=timedelta(days=90), description="How long marks are kept.")
    parallel: int = Field(default=16, ge=1, le=256, description="Files under way at once.")

    @model_validator(mode="after")
    def _partner_only_for_x12(self) -> WrittenFolder:
        if self.partner is not None and self.format != "x12":
            raise ValueError("`partner` belongs to format: x12")
        return self
