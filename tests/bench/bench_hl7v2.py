"""What the HL7 v2 cores cost: `python -m tests.bench.bench_hl7v2 [FILE]`, in microseconds, beside two other libraries.

Each figure is the best of many short runs, so that a busy machine shows in few of them. The message is an
ADT^A01 of 1.1 kB: parse, ten reads in five segments, encode. Target: at most 20 µs.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from engine.protocols.hl7v2.acknowledge import build
from engine.protocols.hl7v2.framing import MllpFramer, frame
from engine.protocols.hl7v2.header import check_charset, peek
from engine.protocols.hl7v2.message import Hl7Message

TARGETS = {"parse, 10 reads, encode": 20.0, "parse, 4 edits, encode": 20.0, "peek": 3.0}
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
READS = (
    "MSH-9.1",
    "MSH-10",
    "EVN-2",
    "PID-3.1",
    "PID-5.1",
    "PID-5.2",
    "PID-7",
    "PV1-2",
    "PV1-19.1",
    "ZFT-1",
)
EDITS = ("MSH-5", "PID-5.1", "PV1-3.1", "ZFT-2")
SAMPLE = "\r".join(
    (
        "MSH|^~\\&|OR|HARBOR|ISTHMUS|HARBOR|20260714093011||ADT^A01^ADT_A01|C0001|P|2.5.1|||AL|NE|USA|UNICODE UTF-8",
        "EVN|A01|20260714093011|||RN7^Sample^Nora^A^^^RN|20260714092955|HARBOR",
        "PID|1||M0001^^^HARBOR^MR~900000001^^^SSA^SS||SAMPLE^ANNA^B^^MS||19670824|F||2106-3^White^CDCREC|"
        "1 TEST STREET^APT 4B^SAMPLETOWN^IL^60000^USA^H||^PRN^PH^^1^217^5550100|^WPN^PH^^1^217^5550101|"
        "ENG^English^HL70296|M^Married^HL70002|CHR^Christian^HL70006|ACCT1^^^HARBOR^AN|000-00-0000||||HARBOR||||||N",
        "PD1|||HARBOR MAIN^^10045|D1^SAMPLE^MARK^A^^DR^MD^^NPI",
        "NK1|1|SAMPLE^BEN^M|SPO^Spouse^HL70063|1 TEST STREET^APT 4B^SAMPLETOWN^IL^60000^USA|^PRN^PH^^1^217^5550102",
        "PV1|1|I|4EAST^401^A^HARBOR^^BED^^4|E|||D1^SAMPLE^MARK^A^^DR^MD^^NPI|D2^SAMPLE^GRETA^^^DR^MD^^NPI||MED||||7|A0"
        "||D1^SAMPLE^MARK^A^^DR^MD^^NPI|IP|V0001^^^HARBOR^VN|COM|||||||||||||||||||HARBOR||ADM|||20260714092500",
        "DG1|1||I50.9^Heart failure, unspecified^I10|Heart failure|20260714|A",
        "AL1|1|DA^Drug allergy^HL70127|7980^Penicillin^RXNORM|MO^Moderate^HL70128|Hives",
        "IN1|1|PPO1^PREFERRED PROVIDER|60054|SAMPLE PAYER|PO BOX 1^^SAMPLETOWN^TX^70000||^WPN^PH^^1^800^5550103|G1"
        "|||||20260101|20261231||PPO|SAMPLE^ANNA^B|SEL^Self^HL70063|19670824",
        "ZFT|CC4100|GL510200|PRJ-0077",
        "",
    )
).encode()


def read_ten(body: bytes) -> bytes:
    message = Hl7Message.parse(body)
    for place in READS:
        message.get(place)
    return message.encode()


def edit_four(body: bytes) -> bytes:
    message = Hl7Message.parse(body)
    for place in EDITS:
        message.set(place, "A&B")
    return message.encode()


def receive(body: bytes) -> bytes:
    """All that the cores do for one message at the door, acknowledgement included."""
    header = peek(body)
    check_charset(body, header)
    _ = (header.control_id, header.message_type, header.accept_ack, header.application_ack, header.is_acknowledgement)
    return build(header, "AA", "1M9K4ZQ0C8R3T", MOMENT)


def python_hl7(body: bytes) -> str:
    import hl7

    message = hl7.parse(body.decode())
    for place in READS:
        segment, _, field = place.partition("-")
        str(message.segment(segment)[int(field.partition(".")[0])])
    return str(message)


def hl7apy(body: bytes) -> str:
    from hl7apy.parser import parse_message

    message = parse_message(body.decode(), find_groups=False)
    for place in READS:
        segment, _, field = place.partition("-")
        for found in getattr(message, segment.lower(), ()):
            _ = getattr(found, f"{segment.lower()}_{field.partition('.')[0]}", None)
    encoded: str = message.to_er7()
    return encoded


def best(work: Callable[[], object], number: int, runs: int) -> float:
    """Microseconds of one call in the best run."""
    found = float("inf")
    for _ in range(runs):
        started = time.perf_counter()
        for _ in range(number):
            work()
        found = min(found, (time.perf_counter() - started) / number)
    return found * 1e6


def measure(body: bytes) -> dict[str, float]:
    framed, framer = frame(body), MllpFramer()
    ours: dict[str, Callable[[], object]] = {
        "parse, 10 reads, encode": lambda: read_ten(body),
        "parse, 4 edits, encode": lambda: edit_four(body),
        "peek": lambda: peek(body),
        "receive: peek, check, acknowledge": lambda: receive(body),
        "framer, one packet": lambda: framer.feed(framed),
    }
    figures = {name: best(work, 100, 200) for name, work in ours.items()}
    figures["python-hl7"] = best(lambda: python_hl7(body), 3, 20)
    figures["hl7apy"] = best(lambda: hl7apy(body), 1, 3)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="an HL7 v2 message; default: a built-in one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    body = options.file.read_bytes() if options.file else SAMPLE
    figures = measure(body)
    if options.json:
        print(json.dumps(figures))
        return
    print(f"{len(body)} bytes, Python {platform.python_version()}, {platform.machine()}")
    for name, figure in figures.items():
        print(f"{name:36} {figure:10.1f} µs" + (f"   target {TARGETS[name]:.0f}" if name in TARGETS else ""))


if __name__ == "__main__":
    main()
