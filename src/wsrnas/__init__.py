"""Find, train and prove image classifiers that stay robust over a wide spectrum of adversarial noise strengths."""

__version__ = "0.1.0"
