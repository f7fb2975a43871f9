"""Families of findings, one module each. `FAMILIES` in engine/channel/lint.py lists them."""
