"""HTTP: a door for requests, and requests to others."""
