"""AS2 messages: whatever is packed is opened again, by us and by OpenSSL; what was changed is told apart."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from engine.core.errors import SizeLimitError
from engine.protocols.as2.algorithms import CIPHERS, DIGESTS
from engine.protocols.as2.compressing import compress
from engine.protocols.as2.enveloping import encrypt, random_bytes_needed
from engine.protocols.as2.faults import As2Error, Modifier
from engine.protocols.as2.message import Opened, Opening, Packed, Packing, mic, pack, signed_entity, unpack
from engine.protocols.as2.mime import entity, parse
from engine.protocols.as2.signing import sign
from tests.support.as2 import NOW, certificate_pem, key_pem, partner

PAYLOAD = b"ISA*00*~\nGS*PO~\x00\xff\r\n--x\r\n" + bytes(range(256))
ALL = tuple(DIGESTS)
OPENSSL = shutil.which("openssl")


def packed(payload: bytes = PAYLOAD, **packing: Any) -> Packed:
    random = os.urandom(random_bytes_needed(packing.get("cipher", "aes-256-cbc")))
    return pack(payload, "application/edi-x12", "order 1.edi", Packing(**packing), NOW, random)


def opening(**changed: Any) -> Opening:
    usual = Opening((partner("us"),), (partner("them").certificate,), ALL, tuple(CIPHERS), 1024**2)
    return usual._replace(**changed)


def opened(message: Packed, **changed: Any) -> Opened:
    return unpack({name.lower(): value for name, value in message.headers.items()}, message.body, opening(**changed))


WAYS = [
    {},
    {"compressed": True},
    {"signer": "them"},
    {"recipient": "us"},
    {"signer": "them", "recipient": "us"},
    {"signer": "them", "compressed": True},
    {"recipient": "us", "compressed": True},
    {"signer": "them", "recipient": "us", "compressed": True},
]


def packing(way: dict[str, Any]) -> dict[str, Any]:
    made = dict(way)
    if "signer" in way:
        made["signer"] = partner(way["signer"])
    if "recipient" in way:
        made["recipient"] = partner(way["recipient"]).certificate
    return made


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_what_is_packed_is_opened_with_the_same_mic(way: dict[str, Any]) -> None:
    message = packed(**packing(way))

    found = opened(message)

    assert (found.payload, found.content_type, found.file_name) == (PAYLOAD, "application/edi-x12", "order 1.edi")
    assert (bool(found.signed), bool(found.encrypted), found.compressed) == (
        "signer" in way,
        "recipient" in way,
        bool(way.get("compressed")),
    )
    assert mic("sha-256", found.covered) == message.mic


@pytest.mark.parametrize("cipher", list(CIPHERS))
@pytest.mark.parametrize("oaep", [False, True])
def test_each_cipher_and_key_transport_is_opened(cipher: str, oaep: bool) -> None:
    message = packed(recipient=partner("us").certificate, cipher=cipher, oaep=oaep)

    assert opened(message).encrypted == cipher


@pytest.mark.parametrize("digest", list(DIGESTS))
def test_each_digest_signs(digest: str) -> None:
    assert opened(packed(signer=partner("them"), digest=digest)).signed == digest


def test_a_key_of_an_elliptic_curve_signs() -> None:
    signer = partner("them", curve=True)

    assert opened(packed(signer=signer), theirs=(signer.certificate,)).signed == "sha-256"


def test_the_second_certificate_of_a_partner_is_taken_too() -> None:
    old, new = partner("them"), partner("them-2027")

    found = opened(packed(signer=new), theirs=(old.certificate, new.certificate))

    assert found.signed == "sha-256"


def test_our_previous_certificate_still_opens() -> None:
    message = packed(recipient=partner("us").certificate)

    assert opened(message, ours=(partner("us-2027"), partner("us"))).payload == PAYLOAD


def modifier_of(message: Packed, **changed: Any) -> Modifier:
    with pytest.raises(As2Error) as caught:
        opened(message, **changed)
    return caught.value.modifier


def test_a_signature_of_somebody_else_is_authentication_failed() -> None:
    assert modifier_of(packed(signer=partner("stranger"))) is Modifier.AUTHENTICATION


def test_changed_content_is_integrity_check_failed() -> None:
    message = packed(signer=partner("them"))
    changed = message._replace(body=message.body.replace(b"GS*PO", b"GS*IN"))

    assert modifier_of(changed) is Modifier.INTEGRITY


def test_a_changed_signature_is_no_signature() -> None:
    content = entity({"Content-Type": "text/plain"}, b"one")
    ours = signed_entity(content, partner("them"), "sha-256", NOW)
    place = len(ours) - 120  # in the last lines of its base64
    message = parse(ours[:place] + (b"A" if ours[place : place + 1] != b"A" else b"B") + ours[place + 1 :])

    with pytest.raises(As2Error):
        unpack(message.headers, message.body, opening())


def test_encrypted_for_somebody_else_is_decryption_failed() -> None:
    assert modifier_of(packed(recipient=partner("stranger").certificate)) is Modifier.DECRYPTION


def test_a_cipher_or_digest_that_is_not_agreed_is_insufficient_security() -> None:
    weak = packed(recipient=partner("us").certificate, cipher="3des")
    old = packed(signer=partner("them"), digest="sha1")

    assert modifier_of(weak, ciphers=("aes-256-cbc",)) is Modifier.INSUFFICIENT
    assert modifier_of(old, digests=("sha-256",)) is Modifier.INSUFFICIENT


def test_whatever_is_altered_of_a_ciphertext_is_told_in_the_same_words() -> None:
    """A receipt that told broken padding from broken content would help to read what was encrypted."""
    message = packed(b"x" * 100, recipient=partner("us").certificate)
    told = set()
    for place in range(len(message.body) - 140, len(message.body), 3):
        spoiled = message.body[:place] + bytes([message.body[place] ^ 0x41]) + message.body[place + 1 :]
        try:
            opened(message._replace(body=spoiled))
        except As2Error as error:
            told.add((error.what, error.modifier))

    assert {modifier for _, modifier in told} == {Modifier.DECRYPTION}
    assert len(told) == 1


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    message = packed(b"\0" * (5 * 1024**2), compressed=True)

    assert len(message.body) < 10_000
    with pytest.raises(SizeLimitError):
        opened(message)


def test_layers_in_another_order_are_opened() -> None:
    """Compressed after it was signed, as RFC 5402 allows."""
    inner = entity({"Content-Type": "application/edi-x12"}, PAYLOAD)
    signed = signed_entity(inner, partner("them"), "sha-256", NOW)
    headers = {"content-type": "application/pkcs7-mime; smime-type=compressed-data"}

    found = unpack(headers, compress(signed), opening())

    assert (found.payload, found.covered, found.compressed) == (PAYLOAD, inner, True)


def test_the_same_layer_twice_is_refused() -> None:
    once = entity({"Content-Type": "application/pkcs7-mime; smime-type=compressed-data"}, compress(b"a: b\r\n\r\nx"))
    headers = {"content-type": "application/pkcs7-mime; smime-type=compressed-data"}

    with pytest.raises(As2Error) as caught:
        unpack(headers, compress(once), opening())

    assert caught.value.modifier is Modifier.UNSUPPORTED_FORMAT


def test_content_whose_line_ends_were_changed_on_the_way_is_the_signed_one() -> None:
    content = entity({"Content-Type": "text/plain"}, b"one\r\ntwo\r\n")
    signed = signed_entity(content, partner("them"), "sha-256", NOW).replace(b"\r\n", b"\n")
    message = parse(signed)

    assert unpack(message.headers, message.body, opening()).covered == content


@pytest.mark.skipif(OPENSSL is None, reason="openssl absent")
class TestOpenssl:
    """A second reader and writer."""

    def run(self, *arguments: str, folder: Path, data: bytes = b"") -> bytes:
        command = [str(OPENSSL), *arguments]
        return subprocess.run(command, input=data, cwd=folder, check=True, capture_output=True, timeout=120).stdout

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name in ("us", "them"):
            (tmp_path / f"{name}.pem").write_bytes(certificate_pem(partner(name)))
            (tmp_path / f"{name}.key").write_text(key_pem(partner(name)))
        return tmp_path

    @pytest.mark.parametrize("cipher", list(CIPHERS))
    @pytest.mark.parametrize("oaep", [False, True])
    def test_openssl_opens_what_we_encrypt(self, folder: Path, cipher: str, oaep: bool) -> None:
        der = encrypt(b"secret", partner("us").certificate, cipher, os.urandom(random_bytes_needed(cipher)), oaep=oaep)

        found = self.run("cms", "-decrypt", "-inform", "DER", "-inkey", "us.key", "-recip", "us.pem", "-binary",
                         folder=folder, data=der)  # fmt: skip

        assert found == b"secret"

    @pytest.mark.parametrize("cipher", ["-aes128", "-aes256", "-des3"])
    @pytest.mark.parametrize("oaep", [False, True])
    def test_we_open_what_openssl_encrypts(self, folder: Path, cipher: str, oaep: bool) -> None:
        extra = ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"] if oaep else []
        inner = entity({"Content-Type": "application/edi-x12"}, PAYLOAD)

        der = self.run("cms", "-encrypt", "-outform", "DER", "-binary", cipher, "-recip", "us.pem", *extra,
                       folder=folder, data=inner)  # fmt: skip

        headers = {"content-type": "application/pkcs7-mime; smime-type=enveloped-data"}
        assert unpack(headers, der, opening()).payload == PAYLOAD

    def test_openssl_finds_our_signature_right(self, folder: Path) -> None:
        content = entity({"Content-Type": "text/plain"}, b"order")
        (folder / "content").write_bytes(content)

        found = self.run("cms", "-verify", "-inform", "DER", "-content", "content", "-binary", "-CAfile", "them.pem",
                         "-attime", str(int(NOW.timestamp())), "-purpose", "any",
                         folder=folder, data=sign(content, partner("them"), "sha-256", NOW))  # fmt: skip

        assert found == content

    @pytest.mark.parametrize("options", [[], ["-keyopt", "rsa_padding_mode:pss"], ["-keyid"], ["-noattr"]], ids=str)
    def test_we_find_a_signature_of_openssl_right(self, folder: Path, options: list[str]) -> None:
        content = entity({"Content-Type": "text/plain"}, b"order\r\n")

        mail = self.run("cms", "-sign", "-signer", "them.pem", "-inkey", "them.key", "-md", "sha256", "-binary",
                        *options, folder=folder, data=content)  # fmt: skip

        message = parse(mail)
        assert unpack(message.headers, message.body, opening()).covered == content

    def test_we_decompress_what_openssl_compresses(self, folder: Path) -> None:
        inner = entity({"Content-Type": "application/edi-x12"}, PAYLOAD)
        try:
            der = self.run("cms", "-compress", "-outform", "DER", "-binary", folder=folder, data=inner)
        except subprocess.CalledProcessError:
            pytest.skip("this openssl was built without zlib")

        headers = {"content-type": "application/pkcs7-mime; smime-type=compressed-data"}
        assert unpack(headers, der, opening()).payload == PAYLOAD


def test_a_certificate_is_found_by_its_bytes_not_by_a_name() -> None:
    """Two partners may call themselves the same."""
    impostor = partner("them", curve=True)

    assert modifier_of(packed(signer=impostor)) is Modifier.AUTHENTICATION
    assert impostor.certificate.public_bytes(Encoding.DER) != partner("them").certificate.public_bytes(Encoding.DER)
