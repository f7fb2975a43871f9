"""Why a TLS handshake failed, and what to do about it, in our words.

The library's own text is never repeated: it quotes names and paths, and differs with every version.
"""

from __future__ import annotations

import ssl

from engine.core.errors import TransportError

# Source: x509_vfy.h of OpenSSL 3, X509_V_ERR_….
_CERTIFICATE = {
    9: ("is not valid yet", "compare both machines' clocks, then the certificate's dates"),
    10: ("has expired", "have it renewed at the server; this machine's clock may be wrong, too"),
    62: ("is for another name", "compare servers with the certificate's names, or set server_name of tls"),
    64: ("is for another address", "compare servers with the certificate's names, or set server_name of tls"),
}
_AUTHORITY = ("is signed by no authority that we trust", "compare ca of tls with the authority that signed it")
_OURS = "give certificate and key of tls, signed by an authority that the server trusts"
_OTHERS = "compare minimum_version of tls with the server's, and look at the server's log"
_ENDED = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError, EOFError)
_LONGEST_CHAIN = 6  # causes that are looked at


def tls_trouble(error: BaseException, where: str, *, secured: bool = True) -> TransportError | None:
    """What a failed handshake means; None: it was no handshake that failed, or TLS is not set (`secured`).

    `error` may be what a library made of it: its causes are looked at. Nothing was sent.
    """
    causes = _causes(error) if secured else []
    found = next((one for one in causes if isinstance(one, ssl.SSLError)), None)
    if isinstance(found, ssl.SSLCertVerificationError):
        words, remedy = _CERTIFICATE.get(found.verify_code, _AUTHORITY)
        return TransportError(f"TLS failed: the server's certificate {words}", where=where, remedy=remedy)
    if found is not None and "ALERT" in (found.reason or ""):
        words = "TLS failed: the server refuses our certificate, or that we have none"
        return TransportError(words, where=where, remedy=_OURS)
    if found is not None and not isinstance(found, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return TransportError("TLS failed: no common way to talk", where=where, remedy=_OTHERS)
    if found is not None or any(isinstance(one, _ENDED) for one in causes):
        return ended_early(where)
    return None


def ended_early(where: str) -> TransportError:
    """With TLS 1.3 a server judges our certificate after our side of the handshake, and its word may be lost."""
    words = "the server ended the connection before it let us in"
    return TransportError(words, where=where, remedy=f"if it asks for certificates: {_OURS}")


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None and len(found) < _LONGEST_CHAIN:
        found.append(seen)
        seen = seen.__cause__ or seen.__context__
    return found
