"""Which noise estimator earns its place."""
