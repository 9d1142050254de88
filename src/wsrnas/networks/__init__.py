"""Building blocks and reference networks."""
