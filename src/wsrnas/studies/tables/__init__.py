"""Search strategies judged on published tables."""
