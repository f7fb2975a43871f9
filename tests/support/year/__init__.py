"""A year of a hospital network, made up from a seed, with what every figure of it must be counted beside it."""
