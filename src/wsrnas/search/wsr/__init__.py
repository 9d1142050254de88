"""Wsr-NAS itself: Algorithm 1, how it chooses, and what moves."""
