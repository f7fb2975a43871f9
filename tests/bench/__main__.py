"""`python -m tests.bench [--count N]`: the engine's figures on this machine, in one run, beside the bare limit.

Generator, sink and engine share the machine's processors; run it on an idle one. Prints a table, and JSON with --json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.core.loopback import free_port
from tests.bench.load import send, sink
from tests.support.engine_process import ROOT, EngineProcess, write_site

INTAKE = """
channel: intake
version: 1
title: Intake only
source: {{type: hl7v2_mllp, listen: "127.0.0.1:{port}"}}
"""

RELAY = """
channel: relay
version: 1
title: Six fields read, four written, delivered over MLLP
source: {{type: hl7v2_mllp, listen: "127.0.0.1:{port}"}}
transform: relay
destinations:
  - {{name: out, type: hl7v2_mllp, address: "127.0.0.1:{sink}", connections: 8, send: message}}
"""

SCRIPT = '''"""Six fields read, four written."""

from engine.sdk import Hl7Message


def transform(message: Hl7Message) -> Hl7Message:
    visit, ward = message.get("PV1-19.1"), message.get("PV1-3.1")
    account, sender = message.get("PID-18.1"), message.get("MSH-3")
    name = message.get("PID-5.1") or ""
    message.set("MSH-3", "ISTHMUS")
    message.set("MSH-5", "ERP")
    message.set("PID-2", message.get("PID-3.1"))
    message.set("PV1-50", f"{visit}-{ward}-{account}-{sender}-{len(name)}")
    return message
'''


@contextmanager
def engine(channels: dict[str, str], transforms: dict[str, str]) -> Iterator[EngineProcess]:
    with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as folder:
        process = EngineProcess(write_site(Path(folder), channels, transforms))
        process.start()
        time.sleep(1.0)  # the workers' imports
        try:
            yield process
        finally:
            process.stop()


@contextmanager
def bare() -> Iterator[int]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="isthmus-bare-") as folder:
        command = [sys.executable, "-m", "tests.bench.bare", str(port), f"{folder}/bare.db"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield port
        finally:
            process.kill()
            process.wait()


def memory_mb(pid: int) -> float:
    """Resident memory of the main process; pages shared with others count in full."""
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def intake(count: int, repeat: int) -> dict[str, Any]:
    """Bare limit and engine in turn, so that a machine whose speed drifts is fair to both."""
    port, figures = free_port(), {}
    with bare() as bare_port, engine({"intake": INTAKE.format(port=port)}, {}):
        for connections in (1, 8, 32):
            number = count if connections > 1 else count // 4
            bares, ours = [], []
            for n in range(repeat):
                bares.append(send(bare_port, number, connections, f"B{connections}R{n}X"))
                ours.append(send(port, number, connections, f"E{connections}R{n}X"))
                assert ours[-1]["bad"] == 0
            figures[connections] = _intake_figures(bares, ours)
        rate = figures[32]["per_second"] / 2
        half = send(port, int(rate * 5), 32, "HALF", rate)
        figures["half_load"] = {"per_second": rate, "p50_ms": half["p50_ms"], "p99_ms": half["p99_ms"]}
    return figures


def _intake_figures(bares: list[dict[str, float]], ours: list[dict[str, float]]) -> dict[str, float]:
    bare_rate = statistics.median(one["per_second"] for one in bares)
    middle = sorted(ours, key=lambda one: one["per_second"])[len(ours) // 2]
    return {
        "bare_per_second": bare_rate,
        "per_second": middle["per_second"],
        "share_of_bare": middle["per_second"] / bare_rate,
        "p50_ms": middle["p50_ms"],
        "p99_ms": middle["p99_ms"],
    }


def end_to_end(count: int, repeat: int) -> dict[Any, Any]:
    """Accepted, transformed, delivered and acknowledged by the sink; rate by the last one there."""
    port, to, figures = free_port(), free_port(), {}
    with sink(to) as there, engine({"relay": RELAY.format(port=port, sink=to)}, {"relay": SCRIPT}) as running:
        send(port, 500, 8, "WARM")
        there.wait_for("WARM", 500)
        for connections in (8, 32):
            rates = []
            for n in range(repeat):
                run = f"C{connections}R{n}X"
                sent = send(port, count, connections, run)
                done = there.wait_for(run, count)
                assert there.counted(run)[:2] == (count, 0), "lost or doubled"
                rates.append(count / (done - sent["began"]))
            figures[connections] = {"per_second": statistics.median(rates), "all": [round(r) for r in rates]}
        figures["main_process_mb"] = memory_mb(running.pid)
    return figures


def start_up() -> dict[str, float]:
    """20 channels with a script each, from the start of the process to its last listener."""
    ports = [free_port() for _ in range(40)]
    channels = {
        f"c{n}": RELAY.format(port=ports[n], sink=ports[20 + n]).replace("channel: relay", f"channel: c{n}")
        for n in range(20)
    }
    times = []
    for _ in range(3):
        with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as folder:
            process = EngineProcess(write_site(Path(folder), channels, {"relay": SCRIPT}))
            times.append(process.start())
            memory = memory_mb(process.pid)
            process.stop()
    return {"seconds": statistics.median(times), "main_process_mb": memory}


def search() -> str:
    """The store's own benchmark: a million messages, business keys by equality and prefix."""
    command = [sys.executable, "-m", "tests.bench.bench_search"]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout


def protocols() -> None:
    """Each protocol beside its library's bare speed, one after the other, as it prints it."""
    scripts = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    for number, name in enumerate((one for one in scripts if one not in _OF_THE_STORE), 1):
        print(f"\n== {number} {name.removeprefix('bench_')}", flush=True)
        subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], cwd=ROOT, check=False)


_OF_THE_STORE = ("bench_search", "bench_store")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="messages a run")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-search", action="store_true", help="leave out the million stored messages")
    parser.add_argument("--protocols", action="store_true", help="only the protocols beside their libraries")
    chosen = parser.parse_args()
    if chosen.protocols:
        protocols()
        return
    figures: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "at": time.strftime("%Y-%m-%d %H:%M"),
        "start_up": start_up(),
        "intake": intake(chosen.count, chosen.repeat),
        "end_to_end": end_to_end(chosen.count, chosen.repeat),
    }
    if not chosen.no_search:
        figures["search"] = search()
    print(json.dumps(figures, indent=2) if chosen.json else _table(figures))


def _table(figures: dict[str, Any]) -> str:
    lines = [f"{figures['machine']}, {figures['at']}", ""]
    start = figures["start_up"]
    lines.append(f"start-up, 20 channels   {start['seconds']:.2f} s, main process {start['main_process_mb']:.0f} MB")
    for connections in (1, 8, 32):
        one = figures["intake"][connections]
        lines.append(
            f"intake, {connections:>2} connections  {one['per_second']:>7.0f}/s  ack p50 {one['p50_ms']:.2f} ms, "
            f"p99 {one['p99_ms']:.2f} ms; bare limit {one['bare_per_second']:.0f}/s, share {one['share_of_bare']:.0%}"
        )
    half = figures["intake"]["half_load"]
    lines.append(f"intake at half load     {half['per_second']:>7.0f}/s  ack p50 {half['p50_ms']:.2f} ms, "
                 f"p99 {half['p99_ms']:.2f} ms")  # fmt: skip
    relay = figures["end_to_end"]
    for connections in (8, 32):
        one = relay[connections]
        lines.append(f"end to end, {connections:>2}          {one['per_second']:>7.0f}/s  {one['all']}")
    lines.append(f"                        main process {relay['main_process_mb']:.0f} MB")
    return "\n".join(lines) + "\n\n" + figures.get("search", "")


if __name__ == "__main__":
    main()
