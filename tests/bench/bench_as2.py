"""AS2 figures of this machine: sign and encrypt, open and verify, and whole messages with their signed receipts.

Beside them the bare speed of `cryptography`'s S/MIME, and of pyas2lib in an environment of its own where there is one.
Run: python tests/bench/bench_as2.py [--pyas2 PYTHON], an interpreter that has pyas2lib.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import (
    PKCS7EnvelopeBuilder,
    PKCS7Options,
    PKCS7SignatureBuilder,
    pkcs7_decrypt_der,
)

from engine.connectors.as2.destination import As2Destination
from engine.connectors.as2.settings import As2DestinationSettings, As2SourceSettings
from engine.connectors.as2.source import As2Source
from engine.core.loopback import free_port
from engine.ports.connector import Outbound
from engine.protocols.as2.message import Opening, Packing, pack, unpack
from tests.support.as2 import NOW, certificate_pem, key_pem, partner, write
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.connector_harness import connect_when_up

SECONDS, MESSAGES, AT_ONCE = 0.6, 150, 8
CIPHERS = ("aes-256-cbc",)

PYAS2 = r"""
import re, sys, time
search, one = re.search, r"\b(\d\.\d\.\d[a-z]*)\b"
re.search = lambda p, *rest: search(one.replace("[a", "+[a") if p == one else p, *rest)
import oscrypto._openssl._libcrypto_cffi
re.search = search
from pyas2lib import Message, Organization, Partner
folder, size, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
pair, us = open(folder + "/them.pair", "rb").read(), open(folder + "/us.pair", "rb").read()
cert = lambda name: open(f"{folder}/{name}.pem", "rb").read()
secured = dict(sign=True, digest_alg="sha256", encrypt=True, enc_alg="aes_256_cbc", validate_certs=False)
sender = Organization("THEM", sign_key=pair, sign_key_pass="x", decrypt_key=pair, decrypt_key_pass="x")
receiver = Partner("US", verify_cert=cert("us"), encrypt_cert=cert("us"), **secured)
ours = Organization("US", sign_key=us, sign_key_pass="x", decrypt_key=us, decrypt_key_pass="x")
theirs = Partner("THEM", verify_cert=cert("them"), encrypt_cert=cert("them"), **secured)
def build():
    message = Message(sender=sender, receiver=receiver)
    message.build(b"x" * size, filename="a", content_type="application/edi-x12")
    return message
def rate(work):
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        work(); count += 1
    return count / (time.perf_counter() - start)
made = build()
raw = made.headers_str + b"\r\n" + made.content
def parse():
    status, error, _ = Message().parse(raw, lambda x: ours, lambda x: theirs)
    assert status == "processed", error
print(rate(build), rate(parse))
"""


def rate(work: Callable[[], object]) -> float:
    """How often a second."""
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        work()
        count += 1
    return count / (time.perf_counter() - start)


def core(size: int, root: Path, pyas2: str | None) -> None:
    payload, us, them = b"x" * size, partner("us"), partner("them")
    packing = Packing(signer=them, recipient=us.certificate)
    opening = Opening((us,), (them.certificate,), ("sha-256",), CIPHERS, size * 4)

    def ours() -> object:
        return pack(payload, "application/edi-x12", "a", packing, NOW, os.urandom(48))

    def bare() -> bytes:
        signer = PKCS7SignatureBuilder().set_data(payload).add_signer(them.certificate, them.key, hashes.SHA256())  # type: ignore[arg-type]
        signed = signer.sign(Encoding.SMIME, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])
        sealing = PKCS7EnvelopeBuilder().set_data(signed).add_recipient(us.certificate)
        return sealing.set_content_encryption_algorithm(AES256).encrypt(Encoding.DER, [PKCS7Options.Binary])

    message = pack(payload, "application/edi-x12", "a", packing, NOW, os.urandom(48))
    headers = {name.lower(): value for name, value in message.headers.items()}
    sealed = bare()
    out, library_out = rate(ours), rate(bare)
    back = rate(lambda: unpack(headers, message.body, opening))
    library_back = rate(lambda: pkcs7_decrypt_der(sealed, us.certificate, us.key, []))  # type: ignore[arg-type]
    print(f"{size} bytes, RSA 2048, sha-256, aes-256-cbc, one core")
    print(f"  sign and encrypt: ours {out:7.0f}/s, cryptography {library_out:7.0f}/s, ratio {out / library_out:.2f}")
    print(f"  decrypt and verify: ours {back:7.0f}/s, cryptography {library_back:7.0f}/s, decrypts only, "
          f"ratio {back / library_back:.2f}")  # fmt: skip
    if pyas2:
        command = [pyas2, "-c", PYAS2, str(root), str(size), str(SECONDS)]
        build, parse = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        print(f"  pyas2lib: {float(build):7.0f}/s out, ratio {out / float(build):.2f}; "
              f"{float(parse):7.0f}/s back, ratio {back / float(parse):.2f}")  # fmt: skip


async def whole(root: Path) -> None:
    port, door = free_port(), Door()
    names = {"us": "env:US", "them": "env:THEM"}
    secrets = Secrets({reference: key_pem(partner(name)) for name, reference in names.items()})
    site = context(root, secrets=secrets, format="bytes")
    source = As2Source(
        As2SourceSettings.model_validate(
            {
                "listen": f"127.0.0.1:{port}", "as2_id": "US", "certificate": "us.pem", "key": "env:US",
                "partners": [{"as2_id": "THEM", "certificates": ["them.pem"]}],
            }
        ),
        site,
    )  # fmt: skip
    destination = As2Destination(
        As2DestinationSettings.model_validate(
            {
                "url": f"http://127.0.0.1:{port}/as2", "as2_from": "THEM", "as2_to": "US", "certificate": "them.pem",
                "key": "env:THEM", "partner_certificates": ["us.pem"], "parallel": AT_ONCE,
            }
        ),
        site,
    )  # fmt: skip
    serving = asyncio.create_task(source.run(door))
    _, writer = await connect_when_up(port)
    writer.close()
    some = asyncio.Semaphore(AT_ONCE)

    async def send(number: int) -> None:
        async with some:
            await destination.send(Outbound(number, number, "c", "c", f"k{number}", b"x" * 10_000))

    start = time.perf_counter()
    await asyncio.gather(*map(send, range(MESSAGES)))
    took = time.perf_counter() - start
    await destination.close()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    print(f"whole messages of 10 kB to our own source, each with its signed receipt: {MESSAGES / took:.0f}/s "
          f"(both ends in one process, {len(door.accepted)} taken in)")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pyas2", metavar="PYTHON", help="interpreter with pyas2lib, to measure it beside")
    pyas2 = parser.parse_args().pyas2
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("us", "them"):
            write(root, name, partner(name))
            pair = key_pem(partner(name), "x").encode() + certificate_pem(partner(name))
            (root / f"{name}.pair").write_bytes(pair)
        for size in (10_000, 1_000_000):
            core(size, root, pyas2)
        asyncio.run(whole(root))


if __name__ == "__main__":
    main()
