"""Estimators of noises (φ) and of losses (ψ), and their memories."""
