"""Signed webhooks: to others, and how those of others are verified."""
