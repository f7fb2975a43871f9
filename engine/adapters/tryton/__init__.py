"""Tryton as ERP: `adapter` posts and reads; `setup` and `server` run one beside us (GPL-3: never imported)."""
