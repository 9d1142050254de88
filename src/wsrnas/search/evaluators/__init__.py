"""What answers a strategy: the super-network, or a published table."""
