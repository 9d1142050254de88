"""Signs that a robustness measurement of a classifier cannot be believed."""

from wsrnas.evaluation.checks.flags import FLAGS
from wsrnas.evaluation.checks.run import check
from wsrnas.evaluation.checks.verdict import Finding, Verdict

__all__ = ["FLAGS", "Finding", "Verdict", "check"]
