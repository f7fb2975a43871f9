"""Figures of tables on this machine: typed rows a second, beside what the bare library needs to read the cells.

Run: python tests/bench/bench_tabular.py
"""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.channel.layout import Layout
from engine.protocols.tabular import TableReader, write

ROWS = 5_000
COLUMNS: list[dict[str, Any]] = [
    {"name": "supplier", "length": 6, "required": True, "pattern": "S[0-9]{4}"},
    {"name": "item", "length": 10, "required": True},
    {"name": "text", "length": 30},
    {"name": "unit", "length": 2, "codes": ["EA", "BX"]},
    {"name": "per_unit", "length": 4, "type": "integer"},
    {"name": "price", "length": 12, "type": "decimal", "scale": 4},
    {"name": "valid", "length": 10, "type": "date"},
    {"name": "net", "length": 5, "type": "boolean"},
]


def layout(kind: str, records: str) -> TableReader:
    columns = [{k: v for k, v in one.items() if kind == "fixed_width" or k != "length"} for one in COLUMNS]
    given = {"layout": "bench", "kind": kind, "records": records, "columns": columns}
    return TableReader(Layout.model_validate(given).table())


def rows() -> list[dict[str, Any]]:
    return [
        {
            "supplier": f"S{1000 + n % 50}", "item": f"M{n:06d}", "text": f"Trocar, bladeless, {n % 97} mm",
            "unit": "EA", "per_unit": n % 12 + 1, "price": f"{n % 5000}.{n % 100:02d}",
            "valid": f"2026-{n % 12 + 1:02d}-01", "net": True,
        }
        for n in range(ROWS)
    ]  # fmt: skip


def rate(work: Callable[[], object], rounds: int = 3) -> float:
    """Rows a second of the fastest round."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return ROWS / min(times)


def told(name: str, ours: float, bare: float, library: str) -> None:
    print(f"  {name:<34} {ours:>10,.0f} rows/s   {library} {bare:>10,.0f} rows/s   ratio {ours / bare:.2f}")


def sliced(text: str) -> int:
    ends = [(0, 6), (6, 16), (16, 46), (46, 48), (48, 52), (52, 64), (64, 74), (74, 79)]
    return sum(len([line[a:b].strip() for a, b in ends]) for line in text.splitlines())


def openpyxl_reads(data: bytes) -> int:
    import openpyxl

    sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True).worksheets[0]
    return sum(len(row) for row in sheet.iter_rows(values_only=True))


def main() -> None:
    made = rows()
    bare: dict[str, tuple[str, Callable[[bytes], object]]] = {
        "delimited": ("csv", lambda data: sum(len(row) for row in csv.reader(io.StringIO(data.decode(), newline="")))),
        "fixed_width": ("slices", lambda data: sliced(data.decode())),
        "excel": ("openpyxl", openpyxl_reads),
    }
    print(f"{ROWS:,} rows of {len(COLUMNS)} columns, typed and checked; bare: cells as they are")
    for kind, (library, read) in bare.items():
        whole, each = layout(kind, "file"), layout(kind, "each")
        data = write(made, whole.layout)
        beside = rate(lambda: read(data))  # noqa: B023 - run at once
        told(f"{kind}, the file one message", rate(lambda: whole.parse(data)), beside, library)  # noqa: B023
        told(f"{kind}, each row a message", rate(lambda: each.split(data)), beside, library)  # noqa: B023
        told(f"{kind}, written", rate(lambda: write(made, whole.layout), 1), beside, library)  # noqa: B023


if __name__ == "__main__":
    main()
