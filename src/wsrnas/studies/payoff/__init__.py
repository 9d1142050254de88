"""What a search is worth against what it has to beat."""
