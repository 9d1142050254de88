"""The two protocols: strict, and released."""
