"""The parts of a search report."""
