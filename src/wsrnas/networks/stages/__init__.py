"""Networks of residual blocks in stages of one width and resolution."""
