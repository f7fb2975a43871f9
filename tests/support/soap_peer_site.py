"""A service on Spyne, run by the interpreter of an environment of its own: `soap_peer_site.py PORT`.

It answers with what it understood: the number, and length and digest of the scan's bytes.
"""

from __future__ import annotations

import hashlib
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from spyne import Application, ByteArray, Service, Unicode, rpc  # type: ignore[import-not-found]
from spyne.protocol.soap import Soap11  # type: ignore[import-not-found]
from spyne.server.wsgi import WsgiApplication  # type: ignore[import-not-found]


class Scans(Service):  # type: ignore[misc]
    @rpc(Unicode, ByteArray, _returns=Unicode)  # type: ignore[untyped-decorator]
    def LeaveScan(ctx, Number, Content):
        content = b"".join(Content)
        return f"{Number} {len(content)} {hashlib.sha256(content).hexdigest()}"


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is said."""


application = Application([Scans], "urn:peer:scans", in_protocol=Soap11(validator="lxml"), out_protocol=Soap11())
make_server("127.0.0.1", int(sys.argv[1]), WsgiApplication(application), handler_class=Quiet).serve_forever()
