"""Files: a folder that is watched, a folder that is written to."""
