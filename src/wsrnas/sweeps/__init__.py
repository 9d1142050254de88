"""Many runs from one plan: here, on a Ray cluster, or as jobs of SLURM."""
