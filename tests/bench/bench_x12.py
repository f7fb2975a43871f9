"""X12 figures of this machine: an 850 of 100 lines to its 997, beside pyx12's bare reading; a large stream.

Run: python tests/bench/bench_x12.py
"""

from __future__ import annotations

import io
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.mapping.x12_850 import purchase_order_from_850, purchase_order_to_850
from engine.protocols.x12 import (
    OutboundGroup,
    OutboundSet,
    acknowledgement_group,
    iterate_segments,
    judge,
    read,
    write_interchange,
)
from engine.script import hipaa
from engine.script.x12 import open_interchange
from tests.support import x12_samples as samples

ROUNDS = 200
STREAM_SEGMENTS = 250_000
CLAIMS = Path(__file__).resolve().parents[2] / "channels/payments/claim_payment_in.cases/two_claims/input.edi"


def order(lines: int) -> bytes:
    body = [samples.BEG, "REF*IA*S1001", "N1*ST*HARBOR MAIN*92*HM01"]
    for n in range(1, lines + 1):
        body += [f"PO1*{n}*10*EA*25.00**VN*SKU-{n}*IN*{n:06d}*UK*00850068673094", f"PID*F****ITEM NUMBER {n}"]
    return samples.interchange((*body, f"CTT*{lines}"))


def best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Milliseconds of the fastest round: what the code costs without its neighbours."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times) * 1000


def to_997(data: bytes) -> bytes:
    outcome = judge(read(data).interchanges[0])
    group = acknowledgement_group(outcome, "004010", 1)
    assert group is not None
    assert not outcome.all_findings
    return write_interchange(samples.partner(), 1, datetime(2026, 11, 20), [group])


def written(one: OutboundSet) -> bytes:
    group = OutboundGroup("PO", "004010", 1, (one,))
    return write_interchange(samples.partner(), 1, datetime(2026, 11, 20), [group])


def pyx12_reads(data: bytes) -> int:
    from pyx12.x12file import X12Reader

    return sum(1 for _ in X12Reader(io.StringIO(data.decode())))


def stream() -> Iterator[bytes]:
    head, tail = samples.interchange().split(b"PO1*", 1)
    yield head
    chunk = (b"PO1*1*10*EA*25.00**VN*SKU-1*IN*000001*UK*00850068673094~PID*F****" + b"X" * 735 + b"~") * 500
    for _ in range(STREAM_SEGMENTS // 1000):
        yield chunk
    yield b"PO1*" + tail


def advice(claims: int) -> bytes:
    """An 835 of many claims, made of one that is shipped as a case."""
    text = CLAIMS.read_text().replace("\n", "")
    start, end = text.index("CLP*HV-20032"), text.index("PLB*")
    text = text[:start] + text[start:end] * claims + text[end:]
    count = text[text.index("ST*835") : text.index("GE*")].count("~")
    return text.replace("SE*22*", f"SE*{count}*").encode()


def reads_claims(data: bytes) -> int:
    opened = open_interchange(data, {"acknowledge": "999", "envelope": "tolerant"}, ["835"])
    assert opened.refusal is None
    return len(opened.sets)


def pyx12_reads_claims(data: bytes) -> bool:
    """As the library is used: the set checked by its map, which it loads each time."""
    import pyx12.params
    import pyx12.x12n_document

    return pyx12.x12n_document.x12n_document(pyx12.params.params(), io.StringIO(data.decode()), None, None)


def main() -> None:
    data = order(100)
    one = read(data).interchanges[0].groups[0].sets[0]
    print(f"850 of 100 lines: {len(data)} bytes, {len(one.segments)} segments, best of {ROUNDS}")
    print(f"  read                      {best(lambda: read(data)):8.2f} ms")
    print(f"  read, validate, write 997 {best(lambda: to_997(data)):8.2f} ms   (at most 3)")
    print(f"  to PurchaseOrder          {best(lambda: purchase_order_from_850(one, 'S1')):8.2f} ms")
    order_set = purchase_order_to_850(purchase_order_from_850(one, "S1"))
    print(f"  written, checked          {best(lambda: written(order_set)):8.2f} ms")
    print(f"  pyx12, reading alone      {best(lambda: pyx12_reads(data)):8.2f} ms")
    claims = advice(500)
    hipaa.load(["835"])
    own, bare = best(lambda: reads_claims(claims), 3), best(lambda: pyx12_reads_claims(claims), 3)
    print(f"835 of 500 claims: {len(claims)} bytes, {claims.count(b'~'):,} segments")
    print(f"  read, checked by its map  {own:8.1f} ms; pyx12 alone {bare:.1f} ms; {own / bare:.2f} of its time")
    size = sum(len(chunk) for chunk in stream())
    started = time.perf_counter()
    count = sum(1 for _ in iterate_segments(stream()))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"stream: {size / 1e6:.0f} MB, {count:,} segments, {count / seconds:,.0f} segments/s, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
