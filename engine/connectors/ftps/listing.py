"""What a server tells of its files, as entries: facts of MLSD and MLST, and the lines for people that LIST gives.

Sources: RFC 3659 § 7; the forms of `ls -l` and of MS-DOS, which LIST has at all servers that lack MLSD.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from engine.connectors.remote_folder.client import Attributes, Entry

_UNIX = re.compile(
    r"(?P<mode>[-bcdlps])[-rwxsStTlL]{9}[+.@]?\s+\d+\s+(?:\S+\s+){1,2}?(?P<size>\d+)\s+"
    r"(?P<month>[A-Z][a-z]{2})\s+(?P<day>\d{1,2})\s+(?P<when>\d{1,2}:\d{2}|\d{4}) (?P<name>.+)"
)
_DOS = re.compile(
    r"(?P<month>\d\d)-(?P<day>\d\d)-(?P<year>\d{2}|\d{4})\s+(?P<hour>\d\d):(?P<minute>\d\d)(?P<half>[AP]M)?\s+"
    r"(?P<size><DIR>|\d+)\s+(?P<name>.+)"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_KINDS = {"-": stat.S_IFREG, "d": stat.S_IFDIR, "l": stat.S_IFLNK}
_OTHER = stat.S_IFSOCK  # whatever is no file, folder or link
_AHEAD = timedelta(days=1)  # so far may a server's clock be ahead of ours


class UnknownFormError(Exception):
    """The server's listing is in none of the forms that we know."""


def of_facts(lines: Iterable[str]) -> list[Entry]:
    """Lines of MLSD."""
    found = []
    for line in lines:
        facts, _, name = line.partition(" ")
        if _can_be_asked_for(name):
            attributes = attributes_of(facts)
            if attributes is not None:
                found.append(Entry(name, attributes))
    return found


def attributes_of(facts: str) -> Attributes | None:
    """`type=file;size=12;modify=20260301120000;`. None: the folder itself or the one above."""
    values = {key.lower(): value for key, _, value in (fact.partition("=") for fact in facts.split(";"))}
    kind = values.get("type", "file").lower()
    if kind in ("cdir", "pdir"):
        return None
    mode = stat.S_IFDIR if kind == "dir" else _special(kind)
    size = int(values["size"]) if values.get("size", "").isdecimal() else None
    return Attributes(size, mode, moment(values.get("modify", "")))


def moment(text: str) -> int | None:
    """Seconds since 1970 of `20260301120000` or `20260301120000.123`, which is UTC."""
    try:
        return int(datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def of_lines(lines: Iterable[str], now: datetime) -> list[Entry]:
    """Lines of LIST. Their times have no zone and no seconds: good to see a change by, and to sort.

    Raises:
        UnknownFormError: there are lines, and none can be read.
    """
    given = [line for line in lines if line.strip() and not line.startswith("total ")]
    found = [entry for line in given if (entry := _unix(line, now) or _dos(line)) is not None]
    if given and not found:
        raise UnknownFormError
    return [entry for entry in found if _can_be_asked_for(entry.name)]


def _can_be_asked_for(name: str) -> bool:
    """A name with an end of line in it cannot be given in a command, and would keep us from all the others."""
    return name not in ("", ".", "..") and not any(sign in name for sign in "\r\n\0")


def _special(kind: str) -> int:
    if kind == "file":
        return stat.S_IFREG
    return stat.S_IFLNK if "slink" in kind or "symlink" in kind else _OTHER


def _unix(line: str, now: datetime) -> Entry | None:
    found = _UNIX.fullmatch(line)
    if found is None or found["month"] not in _MONTHS:
        return None
    kind = _KINDS.get(found["mode"], _OTHER)
    name = found["name"].partition(" -> ")[0] if kind == stat.S_IFLNK else found["name"]
    modified = _unix_time(_MONTHS.index(found["month"]) + 1, int(found["day"]), found["when"], now)
    return Entry(name, Attributes(int(found["size"]), kind, modified))


def _unix_time(month: int, day: int, when: str, now: datetime) -> int | None:
    """A time of day stands for the last such day that was."""
    hour, colon, minute = when.partition(":")
    try:
        if not colon:
            return int(datetime(int(when), month, day, tzinfo=UTC).timestamp())
        made = datetime(now.year, month, day, int(hour), int(minute), tzinfo=UTC)
        if made > now + _AHEAD:
            made = made.replace(year=now.year - 1)
        return int(made.timestamp())
    except ValueError:  # 29 February of another year, or no time at all
        return None


def _dos(line: str) -> Entry | None:
    found = _DOS.fullmatch(line)
    if found is None:
        return None
    folder = found["size"] == "<DIR>"
    attributes = Attributes(
        None if folder else int(found["size"]), stat.S_IFDIR if folder else stat.S_IFREG, _dos_time(found)
    )
    return Entry(found["name"], attributes)


def _dos_time(found: re.Match[str]) -> int | None:
    year, hour = int(found["year"]), int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"] == "PM" else 0)
    year += 0 if year > 99 else 2000 if year < 70 else 1900
    try:
        made = datetime(year, int(found["month"]), int(found["day"]), hour, int(found["minute"]), tzinfo=UTC)
    except ValueError:
        return None
    return int(made.timestamp())
