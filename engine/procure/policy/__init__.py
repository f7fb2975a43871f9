"""Policies tried before they are deployed."""
