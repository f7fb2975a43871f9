"""What was used, charged, moved and implanted."""
