"""Rival strategies, and what they share."""
