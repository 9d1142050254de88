"""Evaluation protocols, checks and statistics."""

from wsrnas.evaluation.checks import FLAGS, Verdict, check
from wsrnas.evaluation.evaluate import evaluate
from wsrnas.evaluation.models import LoadedModel, load_model
from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.suites import SUITES
from wsrnas.evaluation.summary import read_evaluations, write_summary

__all__ = [
    "FLAGS",
    "SUITES",
    "Evaluation",
    "LoadedModel",
    "Verdict",
    "check",
    "evaluate",
    "load_model",
    "read_evaluations",
    "write_summary",
]
