"""One PGP operation in a process of its own: what a message unpacks to cannot take the engine's memory or time.

Standard input: length of the header (4 bytes), the header as JSON, the content. Standard output: `0` and the result,
or a digit that says what went wrong. Run as a file, without the engine's modules, so that it starts in milliseconds.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

UNREADABLE, UNSIGNED, TOO_LARGE, BAD_KEY, COMPRESSED = b"1", b"2", b"3", b"4", b"5"
_MIB = 1024 * 1024


def main() -> None:
    given = sys.stdin.buffer.read()
    size = int.from_bytes(given[:4], "big")
    header, content = json.loads(given[4 : 4 + size]), given[4 + size :]
    del given
    with open("/proc/self/statm") as statm:
        mapped = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limit = mapped + 3 * int(header["limit"]) + 2 * len(content) + 256 * _MIB
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(header["seconds"]), int(header["seconds"]) + 1))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # its words may hold parts of a key or a message
    try:
        answer = _sealed(header, content) if header["work"] == "seal" else _opened(header, content)
    except MemoryError:
        answer = TOO_LARGE
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
    os._exit(0)


def _opened(header: dict[str, Any], content: bytes) -> bytes:
    import pysequoia

    try:
        decryptor = pysequoia.Tsk.from_bytes(header["key"].encode()).decryptor(header["passphrase"])
        signers = [one for text in header["signed_by"] for one in pysequoia.Cert.split_bytes(text.encode())]
    except Exception:  # the library raises plain errors of several kinds for a key that it cannot use
        return BAD_KEY
    if header["work"] == "check":
        return b"0"
    store = (lambda ids: signers) if header["must_be_signed"] else None
    try:
        found = pysequoia.decrypt(content, decryptor=decryptor, store=store)
    except MemoryError:
        return TOO_LARGE
    except Exception as error:  # as above
        return _told(str(error).partition("\n")[0])
    result = found.bytes or b""
    if len(result) > header["limit"]:
        return TOO_LARGE
    if header["must_be_signed"] and not found.valid_sigs:
        return UNSIGNED
    return b"0" + result


def _told(words: str) -> bytes:
    if words.startswith("Unexpected message structure"):
        return COMPRESSED
    return UNSIGNED if words.startswith("Signature verification") else UNREADABLE


def _sealed(header: dict[str, Any], content: bytes) -> bytes:
    import pysequoia

    try:
        recipients = [one for text in header["recipients"] for one in pysequoia.Cert.split_bytes(text.encode())]
        signer = None
        if header["key"]:
            signer = pysequoia.Tsk.from_bytes(header["key"].encode()).signer(header["passphrase"])
        return b"0" + pysequoia.encrypt(content, recipients=recipients, signer=signer, armor=header["armor"])
    except Exception:  # an expired key, one without encryption, a wrong passphrase
        return BAD_KEY


if __name__ == "__main__":
    main()
