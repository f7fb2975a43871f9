"""What happened, as rows for measures."""
