"""Isthmus, a healthcare interface engine: from a hospital message to a posted document in an ERP.

Standard library only here: `python -m engine` starts before any dependency is installed.
"""

__version__ = "0.1.0"
