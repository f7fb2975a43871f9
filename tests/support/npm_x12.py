"""npm's `node-x12`, a reader of X12 that nobody here wrote. Where it cannot be had, the test is skipped."""

from __future__ import annotations

import json
import subprocess

from tests.support import npm

VERSION = "1.7.1"

READER = """
const {X12Parser} = require('node-x12');
const files = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const parts = (one) => [one.tag, ...one.elements.map((element) => element.value)];
const read = (text) => {
  try {
    const interchange = new X12Parser(true).parse(text);
    const groups = interchange.functionalGroups.map((group) => ({
      header: parts(group.header),
      sets: group.transactions.map((set) => ({header: parts(set.header), body: set.segments.map(parts)})),
    }));
    return {header: parts(interchange.header), groups};
  } catch (error) {
    return {error: String(error.message || error)};
  }
};
console.log(JSON.stringify(files.map(read)));
"""


def read(files: list[bytes]) -> list[dict[str, object]]:
    """What it says of each file: `header` and `groups`, or `error`."""
    folder = npm.installed("x12", {"node-x12": VERSION}, {"read.js": READER})
    given = json.dumps([body.decode() for body in files])
    done = subprocess.run(
        ["node", "read.js"], cwd=folder, input=given, capture_output=True, text=True, timeout=30, check=True
    )
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found
