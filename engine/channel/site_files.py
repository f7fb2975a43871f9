"""WSDL and XSD of the site: relative names below the WSDL's folder, read once, and nothing from anywhere else."""

from __future__ import annotations

import posixpath
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from engine.core.errors import ConfigurationError

LARGEST = 8 * 1024**2  # bytes of one document


class SiteFiles:
    """`load` and `resolve` for the readers of WSDL and XSD; names are relative to `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def load(self, name: str) -> bytes:
        """Raises ConfigurationError: outside the folder, absent, or too large."""
        try:
            path = (self._folder / name).resolve()
            if not path.is_relative_to(self._folder):
                raise ConfigurationError("a document outside the WSDL's folder", where=name, remedy=_REMEDY)
            if path.stat().st_size > LARGEST:
                raise ConfigurationError(f"larger than {LARGEST} bytes", where=name)
            return path.read_bytes()
        except OSError as error:
            words = f"cannot be read: {error.strerror}"
            raise ConfigurationError(words, where=name[:200], remedy="put it beside the WSDL") from None
        except (ValueError, RuntimeError):  # a zero byte, half a character, links in a circle
            raise ConfigurationError("not the name of a file", where=ascii(name[:200]), remedy=_REMEDY) from None

    def resolve(self, base: str, location: str) -> str:
        """Raises ConfigurationError: a location that is no relative name."""
        parts = urlsplit(location)
        if parts.scheme or parts.netloc or parts.query or location.startswith("/") or "\\" in location:
            raise ConfigurationError("a document from elsewhere is never fetched", where=base, remedy=_REMEDY)
        return posixpath.normpath(str(PurePosixPath(base).parent / unquote(parts.path)))


_REMEDY = "keep a copy of it beside the WSDL and write its relative name into schemaLocation or location"


def site_file(root: Path, name: str, what: str) -> bytes:
    """A file that settings name.

    Raises:
        ConfigurationError: it cannot be read; names setting and file.
    """
    try:
        return (root / name).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{what} cannot be read: {error.strerror}", where=name) from None
