"""Source `sftp`: what was read of a file when the connection went is kept, and only the rest is asked for."""

from __future__ import annotations

from engine.connectors.remote_folder.source import RemoteFolderSource
from engine.connectors.sftp.connection import SftpConnection
from engine.connectors.sftp.settings import SftpSourceSettings
from engine.ports.connector import ConnectorContext


class SftpSource(RemoteFolderSource):
    """Serves one folder of one SFTP server."""

    def __init__(self, settings: SftpSourceSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context, SftpConnection(settings, context), "sftp")
