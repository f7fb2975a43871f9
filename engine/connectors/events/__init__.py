"""Business events: a channel fed by what happens in the others."""
