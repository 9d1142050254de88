"""How well the loss estimator ranks, and how harmful the estimated noise is."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import ClassVar, final

from wsrnas.report.figures import Series, curve_figure, scatter_figure
from wsrnas.report.page import Page
from wsrnas.report.theme import ordered_colours
from wsrnas.report.words import percent
from wsrnas.search.report.record import SearchRecord
from wsrnas.search.report.sections.base import Section
from wsrnas.types import format_strength

_GOOD_TAU, _WEAK_TAU = 0.6, 0.3


@final
@dataclass(frozen=True, kw_only=True)
class LossEstimation(Section):
    """Estimated against measured loss per strength, with Kendall τ, and what to do about it."""

    name: ClassVar[str] = "loss-estimator"

    def add(self, page: Page, record: SearchRecord) -> None:
        title = "Can the loss estimator rank architectures?"
        lines, names, taus = record.predicted, record.loss_names, record.taus
        if not lines:
            page.section(title)
            page.callout(
                "note", "The loss estimator has not named an architecture yet, so there is nothing to compare."
            )
            return
        page.section(
            title,
            "The search trusts ψ, the loss estimator, to say which architecture is worth measuring next, so only its "
            "ranking matters. Kendall's τ is 1 where it orders every pair as the measurement does and 0 where "
            "it guesses.",
        )
        groups, alone = [], record.trained_alone
        for index, (name, colour) in enumerate(zip(names, ordered_colours(len(names)))):
            measured = [float(line["losses"][index]) for line in lines]
            estimated = [float(line["predicted"][index]) for line in lines]
            shown = f"{name} · τ {taus[index]:.2f}" if taus else name
            groups.append(Series(shown, measured, estimated, colour=colour))
        page.figure(
            scatter_figure(groups, x_label="measured loss", y_label="estimated loss", panels=True),
            f"Each of the {len(lines)} architectures of the search phase: the loss ψ expected before it was measured, "
            "against the loss then measured. On the dashed line the estimate is exact. Architectures chosen by "
            "ψ resemble "
            "each other, which lowers this τ"
            + ("." if alone else "; shared weights that improve over the search can raise or lower it."),
            alt="Scatter plots of estimated against measured loss, one per strength",
        )
        if not taus:
            page.callout("note", "Too few architectures were measured to say how well the loss estimator ranks them.")
            return
        page.table(
            ["Kendall τ", *names],
            [[f"of {len(lines)} architectures", *(f"{tau:.2f}" for tau in taus)]],
            "Agreement of the two rankings, for the clean loss and the loss at each strength.",
        )
        _tau_verdict(page, record, statistics.fmean(taus))


def _tau_verdict(page: Page, record: SearchRecord, mean: float) -> None:
    more = (
        f"budget.population (now {record.setting('budget.population', '?')}) and budget.iterations "
        f"(now {record.setting('budget.iterations', '?')})"
    )
    if mean >= _GOOD_TAU:
        text = f"Mean τ {mean:.2f}: the estimator foresees well how new architectures rank"
        text += (
            " when trained alone, briefly."
            if record.trained_alone
            else " under shared weights. Whether they rank alike when trained alone it cannot tell; that is what "
            "training the finalists alone is for."
        )
        page.callout("good", text)
    elif mean >= _WEAK_TAU:
        text = f"Mean τ {mean:.2f}: the estimator is a useful but rough guide. More labels help: raise {more}."
        page.callout("note", text)
    else:
        text = (
            f"Mean τ {mean:.2f}: among the architectures it chose, the estimator hardly ranks, so this search was not "
            f"far from a random one. Raise {more}, or measure each architecture on more images (measure.images)."
        )
        page.callout("warning", text)


@final
@dataclass(frozen=True, kw_only=True)
class NoiseEstimation(Section):
    """Fidelity of the estimated noise, over time and last."""

    name: ClassVar[str] = "noise-estimator"

    def add(self, page: Page, record: SearchRecord) -> None:
        title = "Is the estimated noise as harmful as a real attack?"
        mean, bound = record.means("fidelity"), float(record.setting("noise_estimator.fidelity_bound", 0.9))
        if not mean:
            page.section(title)
            if record.result.get("estimated") == []:
                page.callout("note", "Every strength was attacked for real: no noise was estimated.")
            else:
                page.callout("note", "Fidelity was not measured in this run.")
            return
        page.section(
            title,
            "Fidelity is the share of the accuracy drop of a real PGD attack that the estimated noise causes at "
            "the same "
            "strength: 1 means equally harmful, less means the search saw too rosy a loss there. " + _origin(record),
        )
        series = []
        for key, colour in zip(mean, ordered_colours(len(mean))):
            points = [(line["iteration"], (line.get("fidelity") or {}).get(key)) for line in record.metrics]
            kept = [(int(i), float(value)) for i, value in points if value is not None]
            if kept:
                series.append(Series(_strength(record, key), [i for i, _ in kept], [v for _, v in kept], colour=colour))
        if series:
            page.figure(
                curve_figure(
                    series,
                    x_label="iteration",
                    y_label="fidelity",
                    reference=(1.0, "as a real attack"),
                    marks=record.phase_marks,
                ),
                "Fidelity at each estimated strength over the search, measured on single batches of D_v; it "
                "jumps because "
                "a batch is small.",
            )
        error = record.means("loss_error")
        rows = []
        for key, value in mean.items():
            off = percent(error[key]) if key in error else None
            rows.append([_strength(record, key), f"{value:.3f}", off, _fidelity_word(value, bound)])
        page.table(
            ["estimated strength", "mean fidelity", "estimated loss is off by", "in words"],
            rows,
            "Means over the measurements drawn above; a negative error means the estimated loss is too low.",
        )
        fallen = [format_strength(strength) for strength in record.result.get("fallen_back") or []]
        low = [_strength(record, key) for key, value in mean.items() if value < bound]
        ignored = [name for name in low if name not in fallen]
        if fallen:
            text = f"The estimate was too weak at {', '.join(fallen)}; from then on the search attacked there for real."
            page.callout("note", text)
        if ignored:
            text = f"The estimate was too weak at {', '.join(ignored)}: add it to spectrum.attacked to attack for real."
            page.callout("warning", text)
        if not fallen and not ignored:
            page.callout(
                "good", "At every estimated strength the estimate did the harm of a real attack, or nearly so."
            )


def _origin(record: SearchRecord) -> str:
    """Say where the estimates come from and what refines them."""
    known = ", ".join(format_strength(strength) for strength in record.result.get("known") or [])
    text = f"Estimates are by {record.setting('noise_estimator.name', '?')}" + (
        f" from real noise at {known}" if known else ""
    )
    steps = int(record.setting("noise_estimator.refine", 0))
    if not steps:
        return f"{text}."
    size = record.setting("noise_estimator.refine_step", "?")
    return f"{text}, each improved by {steps} gradient step{'s' * (steps > 1)} of {size} times its strength."


def _strength(record: SearchRecord, key: str) -> str:
    nearest = min(range(len(record.strengths)), key=lambda index: abs(record.strengths[index] - float(key)))
    close = math.isclose(record.strengths[nearest], float(key), rel_tol=1e-3)
    return record.loss_names[nearest + 1] if close else key


def _fidelity_word(value: float, bound: float) -> str:
    if value < bound:
        return "weaker than a real attack"
    return "as harmful" if value <= 1.1 else "more harmful than the real attack"
