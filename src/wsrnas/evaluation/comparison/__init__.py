"""Evaluated runs and the paper's rows side by side, and what forbids to put them so."""
