"""Tables in files: delimited, fixed width, Excel. Read and written by a layout, without input or output.

The way of a file: `TableReader.split` ▸ one part a message, its bytes as they came ▸ `TableReader.parse` ▸ typed rows.
"""

from __future__ import annotations

from engine.protocols.tabular.layout import Check, Column, RecordType, Role, TableLayout
from engine.protocols.tabular.message import Row, TabularMessage
from engine.protocols.tabular.reader import Part, TableReader
from engine.protocols.tabular.write import write

__all__ = [
    "Check",
    "Column",
    "Part",
    "RecordType",
    "Role",
    "Row",
    "TableLayout",
    "TableReader",
    "TabularMessage",
    "write",
]
