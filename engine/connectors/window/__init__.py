"""Windows: what other channels made in a stretch of time, summed."""
