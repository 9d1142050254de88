"""Loss estimators (VLE, ψ)."""
