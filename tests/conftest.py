"""What holds for every test: examples are drawn without a clock, so that a busy machine fails none of them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

_STEADY = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}

# A gate draws the same examples each time: what it says depends on the change alone. The long forms search on.
settings.register_profile("steady", derandomize=True, **_STEADY)
settings.register_profile("searching", **_STEADY)
settings.load_profile("searching")
