"""One file per command; what they share in reading arguments and printing lies a floor above."""
