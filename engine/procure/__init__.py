"""The procure-to-pay process: what is known of a matter is one dossier, decided over as a whole.

Deciders are pure: documents, references, policies and the time in; cases and commands out. Nothing here reads a
clock, a file or a database; `process.py` alone awaits its ports.
"""
