"""What a measurement itself shows that speaks against believing it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from wsrnas.evaluation.statistics import wilson_interval

if TYPE_CHECKING:
    from wsrnas.evaluation.result import Evaluation

REMEDY = "Run `wsrnas check` on the model."
RISE = 0.03
FALL = 0.15
"""A curve is flat where twice the strength surely breaks less than this share of the images that were left."""
BEGUN = 0.8
"""Flatness is looked for where the attack already broke a fifth of what is right without noise."""


def doubts(result: Any) -> list[str]:
    """Return the doubts about an `Evaluation` in plain words, the gravest first; each names what to do."""
    found = [*_useless(result), *_form(result.verified), *_unsteady(result.verified), *_curve(result)]
    return [f"{doubt} {REMEDY}" for doubt in found]


def _useless(result: Evaluation) -> list[str]:
    right, several = int(result.clean_correct.sum()), result.majority < 1
    if several and result.verified.get("classes_predicted") == 1:
        return ["The model names one class for every image: it has learned nothing, and no attack can show it."]
    low, _ = wilson_interval(right, result.images)
    if several and low <= result.majority and right < result.images:
        chance = f"{100 * result.majority:.1f} % of naming the most frequent class"
        return [f"Clean accuracy, {100 * result.clean_accuracy:.1f} %, cannot be told from the {chance}: there is "
                f"nothing here for an attack to take."]  # fmt: skip
    return []


def _form(facts: dict[str, Any]) -> list[str]:
    found = []
    if facts.get("probabilities"):
        found.append("The outputs are probabilities, not logits: attacks find less on them than is there.")
    if facts.get("broken_gradients"):
        found.append("Gradients were NaN or infinite (taken as 0 and as the largest number): attacks were blind there.")
    return found


def _unsteady(facts: dict[str, Any]) -> list[str]:
    if not facts.get("same_output_twice", True):
        return ["The model gives different logits for the same images: these numbers depend on luck."]
    found = []
    if facts.get("batch_dependent_at"):
        found.append(f"An image's logits depend on its batch (seen in {facts['batch_dependent_at']}).")
    if facts.get("gradient_aware"):
        found.append("The model answers otherwise when a gradient of images or weights is asked for: attacks see "
                     "another model than users do.")  # fmt: skip
    if facts.get("remembers") or facts.get("answers_unlike_a_fresh_copy"):
        found.append("The model remembers: it answers otherwise after it has seen other images. Attacked and scored "
                     "were copies that had seen nothing.")  # fmt: skip
    if facts.get("still_under_noise", 0.0) > 0.5:
        share = f"{100 * facts['still_under_noise']:.0f} %"
        found.append(f"Random noise leaves the logits of {share} of the images exactly as they are: gradients have "
                     "nothing to follow.")  # fmt: skip
    return found


def _curve(result: Evaluation) -> list[str]:
    found = []
    rises = [b - a for a, b in itertools.pairwise(result.raw_accuracy)]
    if max(rises, default=0.0) > RISE:
        at = result.text(1 + rises.index(max(rises)))
        found.append(f"The raw curve rises by {100 * max(rises):.1f} points at {at}: the attack fails there.")
    above = [k for k, s in enumerate(result.strengths) if s >= 0.5 and result.ci_low[k] > result.majority]
    if result.norm == "Linf" and above:
        at = result.text(above[0])
        found.append(f"Above chance at {at}, where every image can be turned grey: the attack fails there.")
    if flat := _flat(result):
        first, last = flat
        found.append(f"The curve is flat from {result.text(first)} to {result.text(last)} "
                     f"({100 * result.accuracy[first]:.1f} and {100 * result.accuracy[last]:.1f} %): honest models do "
                     "not stand still like that, failing attacks do.")  # fmt: skip
    nearest = result.verified.get("minimum_norm") or {}
    for label, one in nearest.items():
        if (missed := sum(one["broken_by_it_alone"])) > max(1, RISE * result.images):
            found.append(
                f"{label} broke {missed} images that the attacks at fixed strength had left: those are too weak."
            )
    return found


def _flat(result: Evaluation) -> tuple[int, int] | None:
    """Return two strengths, the second at least twice the first, between which almost nothing more breaks."""
    survivors = [round(value * result.images) for value in result.accuracy]
    pairs = itertools.combinations([k for k, strength in enumerate(result.strengths) if strength > 0], 2)
    for first, last in pairs:
        before = survivors[first]
        if result.strengths[last] < 2 * result.strengths[first] or before == 0:
            continue
        begun = result.accuracy[first] <= BEGUN * result.clean_accuracy and result.accuracy[last] > result.majority
        fallen = max(before - survivors[last], 0)  # a curve that is not nested may rise
        if begun and wilson_interval(fallen, before)[1] < FALL:
            return first, last
    return None
