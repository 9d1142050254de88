"""A table of labels whose truth is known: every label is the truth with noise that shrinks with the epochs."""

import numpy as np

from wsrnas.rng import stream
from wsrnas.spaces import get_space
from wsrnas.studies.labels.table import LabelTable

STRENGTHS = [0.05, 0.1]
COSTS = {
    "clean": 10.0,
    "strength": 70.0,
    "shared": 50.0,
    "alone-1": 100.0,
    "alone-2": 200.0,
    "alone-4": 400.0,
    "from-shared-1": 150.0,
    "final": 1200.0,
}
LABELS = ("shared", "alone-1", "alone-2", "alone-4", "from-shared-1")
ERROR = {"shared": 2.0, "alone-1": 1.0, "alone-2": 0.5, "alone-4": 0.0, "from-shared-1": 1.0}


def made_table(count=12, *, seeds=3, spread=5.0, trainings=1.0, seed=0):
    """Architectures of a standard deviation `spread` in points, trainings of one by another."""
    random, space = np.random.default_rng(seed), get_space("nb201")
    truth = spread * random.standard_normal(count)
    genotypes, index = {}, 0
    while len(genotypes) < count:
        drawn = space.sample(stream(seed, "made table", index))
        genotypes.setdefault(space.canonical(drawn), drawn)
        index += 1
    losses = {
        name: np.repeat((2 - (truth + ERROR[name] * spread * random.standard_normal(count)) / 100)[:, None], 3, axis=1)
        for name in LABELS
    }
    wide = 50 + truth[:, None] + trainings * random.standard_normal((count, seeds))
    return LabelTable(
        about={
            "space": "nb201",
            "channels": 4,
            "layers": 1,
            "data": "made up",
            "image_size": 8,
            "images": {"trained on": 10, "labelled on": 10, "judged on": 10},
            "strengths": STRENGTHS,
            "trained_at": 0.1,
            "final_epochs": 8,
            "tolerance": 0.05,
        },
        costs=dict(COSTS),
        genotypes=tuple(genotypes.values()),
        parameters=1000.0 + np.arange(count),
        multiply_adds=random.permutation(np.arange(5000.0, 5000.0 + count)),
        losses=losses,
        accuracies={name: 1 - rows / 4 for name, rows in losses.items()},
        final=np.repeat((wide / 100)[:, :, None], 3, axis=2),
    )
