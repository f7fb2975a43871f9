"""Who must agree, in which order, and who may stand in."""
