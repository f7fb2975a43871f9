"""Imported before a worker closes its doors: all that reading FHIR imports and opens later on.

Paths are parsed by a library that imports its own parts when it first parses; so one is parsed here.
"""

from __future__ import annotations

from engine.protocols.fhir import definitions, xml_reader
from engine.protocols.fhir.fhirpath import finder

__all__ = ["definitions", "xml_reader"]

finder("Resource.id.where(length() > 1).lower()")({"resourceType": "Resource", "id": "warm"})
