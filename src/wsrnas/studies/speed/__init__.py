"""How fast the work is, beside a plain implementation of the same work and beside other libraries."""
