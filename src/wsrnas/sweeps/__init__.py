"""Many runs from one plan: here, on a Ray cluster, or as jobs of SLURM."""

from wsrnas.sweeps.plan import Plan, SweepRun, read_plan
from wsrnas.sweeps.sweep import PLACES, SweepResult, sweep

__all__ = ["PLACES", "Plan", "SweepResult", "SweepRun", "read_plan", "sweep"]
