"""FHIR over REST: a server that takes resources in, and a client that sends them."""
