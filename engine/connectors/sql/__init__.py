"""Databases: tables that are polled, tables that are written."""
