"""Searches judged on published tables."""
