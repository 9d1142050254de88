"""Noise estimators (AN-Estimator, φ)."""
