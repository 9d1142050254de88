"""Search spaces: cells, genotypes, super-networks."""
