"""Evaluation protocols, checks and statistics."""

from wsrnas.evaluation.checks import FLAGS, Verdict, check
from wsrnas.evaluation.evaluate import evaluate
from wsrnas.evaluation.folder.summary import read_evaluations, write_summary
from wsrnas.evaluation.protocols import PROTOCOLS, Protocol, Released, Strict
from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.suites import SUITES, Suite
from wsrnas.models.load import LoadedModel, load_model

__all__ = [
    "FLAGS",
    "PROTOCOLS",
    "SUITES",
    "Evaluation",
    "LoadedModel",
    "Protocol",
    "Released",
    "Strict",
    "Suite",
    "Verdict",
    "check",
    "evaluate",
    "load_model",
    "read_evaluations",
    "write_summary",
]
