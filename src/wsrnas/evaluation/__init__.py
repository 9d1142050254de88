"""Evaluation protocols, checks and statistics."""
