"""A model card in the form that RobustBench uses, one file per evaluated model."""

from __future__ import annotations

from typing import Any

from wsrnas.evaluation.protocols import PROTOCOLS
from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.text import percent
from wsrnas.types import Norm

USUAL: dict[Norm, float] = {"Linf": 8 / 255, "L2": 0.5}


def model_card(result: Evaluation, *, name: str, dataset: str) -> dict[str, Any]:
    """Return RobustBench's fields for the strength nearest to the usual one (8/255, L2 0.5), and the whole spectrum.

    `autoattack_acc` is filled only where AutoAttack itself was run; our own worst case stands in `worst_case_acc`.
    Fields that an evaluation cannot know are null: fill them in before publishing.
    """
    positive = [s for s in result.strengths if s > 0]
    at = min(positive, key=lambda s: abs(s - USUAL[result.norm])) if positive else 0.0
    robust = percent(result.accuracy[result.strengths.index(at)]) if positive else None
    automatic = any("AutoAttack(" in described for described in result.attacks.values())
    return {
        "name": name,
        "link": None,
        "authors": None,
        "venue": None,
        "architecture": name,
        "dataset": dataset,
        "additional_data": None,
        "number_forward_passes": "1",
        "norm": result.norm,
        "eps": result.spelling[at] if positive else None,
        "clean_acc": percent(result.clean_accuracy),
        "reported": None,
        "autoattack_acc": robust if automatic and PROTOCOLS[result.protocol].believed else None,
        "worst_case_acc": robust,
        "protocol": result.protocol,
        "attacks": result.attacks,
        "images": result.images,
        "seed": result.seed,
        "spectrum": [
            {
                "eps": result.text(k),
                "radius": strength,
                "acc": percent(result.accuracy[k]),
                "interval": [percent(result.ci_low[k]), percent(result.ci_high[k])],
            }
            for k, strength in enumerate(result.strengths)
        ],
        "state_hash": result.verified["state_hash_before"],
    }
