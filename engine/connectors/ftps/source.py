"""Source `ftps`: each complete file of a folder is claimed, read, accepted, and only then moved."""

from __future__ import annotations

from engine.connectors.ftps.client import FtpsConnection
from engine.connectors.ftps.settings import FtpsSourceSettings
from engine.connectors.remote_folder.source import RemoteFolderSource
from engine.ports.connector import ConnectorContext


class FtpsSource(RemoteFolderSource):
    """Serves one folder of one FTPS server."""

    def __init__(self, settings: FtpsSourceSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context, FtpsConnection(settings, context), "ftps")
