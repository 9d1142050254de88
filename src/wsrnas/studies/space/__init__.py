"""What a search space holds: the variance of robust accuracy among architectures of one size."""
