"""After the search: finalists and rivals trained alone, and adversarial examples."""
