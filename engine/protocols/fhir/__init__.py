"""FHIR resources as bytes and raw trees: exact decimals, bundles, paths, outcomes. No I/O."""
