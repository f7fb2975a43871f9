"""The elements of every type of R4B and R5: version, type, element to a letter, `*` when it repeats, and its type.

Read from the definitions that fhir.resources carries; a test holds the table to them. It is read when this module
is imported: a worker reads XML after its doors are closed, and the library takes a second to load.
"""

from __future__ import annotations

import json
import pkgutil
import zlib

Table = dict[str, dict[str, dict[str, str]]]

DEFINITIONS: Table = json.loads(zlib.decompress(pkgutil.get_data(__package__ or "", "definitions.json.zlib") or b""))
