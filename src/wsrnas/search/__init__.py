"""Search strategies and the super-network they query."""
