"""Which label, at which cost, ranks final networks of one size?"""
