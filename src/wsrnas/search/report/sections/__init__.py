"""The sections of a search's page: listed here in their order, each with the name that announces it."""

from wsrnas.parts import Parts
from wsrnas.search.report.sections.base import Section
from wsrnas.search.report.sections.estimators import LossEstimation, NoiseEstimation
from wsrnas.search.report.sections.examples import Examples
from wsrnas.search.report.sections.facts import Facts
from wsrnas.search.report.sections.found import Architecture, NextSteps
from wsrnas.search.report.sections.front import Front
from wsrnas.search.report.sections.losses import LossCurves
from wsrnas.search.report.sections.robustness import Robustness
from wsrnas.search.report.sections.spread import Spread
from wsrnas.search.report.sections.timing import Time

SECTIONS: Parts[Section] = Parts(
    Section,
    "sections",
    [
        (kind.name, kind)
        for kind in (
            Architecture,
            NextSteps,
            Robustness,
            Spread,
            Front,
            LossCurves,
            LossEstimation,
            NoiseEstimation,
            Time,
            Examples,
            Facts,
        )
    ],
)

__all__ = ["SECTIONS", "Section"]
