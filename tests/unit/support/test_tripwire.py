"""The tripwire itself: what it guards with is shown to see a C library's open and a connection."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest
from lxml import etree

from tests.support.tripwire import SECRET, Tripwire


def test_nothing_touched_is_said_so(tmp_path: Path) -> None:
    with Tripwire(tmp_path) as tripwire:
        assert tripwire.touched == []


def test_an_entity_that_a_careless_parser_reads_is_seen(tmp_path: Path) -> None:
    with Tripwire(tmp_path) as tripwire:
        hostile = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{tripwire.path}">]><a>&x;</a>'
        found = etree.fromstring(hostile, etree.XMLParser(resolve_entities=True))
        assert found.text == SECRET
        assert tripwire.touched == ["file"]


def test_a_connection_is_seen(tmp_path: Path) -> None:
    with Tripwire(tmp_path) as tripwire:
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            urllib.request.urlopen(tripwire.url, timeout=5)
        assert tripwire.touched == ["network"]
