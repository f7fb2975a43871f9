"""Destination `ftps`: each delivery becomes one complete file, once."""

from __future__ import annotations

from engine.connectors.ftps.client import FtpsConnection
from engine.connectors.ftps.settings import FtpsDestinationSettings
from engine.connectors.remote_folder.destination import RemoteFolderDestination
from engine.ports.connector import ConnectorContext


class FtpsDestination(RemoteFolderDestination):
    """Writes into one folder of one FTPS server."""

    def __init__(self, settings: FtpsDestinationSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context, FtpsConnection(settings, context))
