"""What each verb of the evaluator costs, in images passed through a network: for the dry run and the charge alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wsrnas.attacks.apgd import APGD
from wsrnas.data import DataBundle
from wsrnas.estimators.noise.examples import examples_per_image
from wsrnas.search.base import Calls
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.measure import Refinement, Spectrum
from wsrnas.search.evaluators.scoring import scoring_passes
from wsrnas.search.evaluators.short_training import label_attack, short_training

WARM_UP = "warm up"
TRAINING = "adversarial training"
NOISE_DATA = "attacks for the noise estimator"
MEASURING = "attacks and losses on D_v"
FIDELITY = "fidelity checks"
MIXTURE = "losses of the mixture"
VERIFICATION = "verification under shared weights"
FINALISTS = "finalists trained alone"
RIVALS = "rivals trained alone"


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Network passes, forward and backward one each, of so many images in each phase of a search.

    `attack` and `verification` are the passes of one attack per image; with `shared`, attacks of one image at several
    strengths have their first gradient in common.
    """

    attack: int
    verification: int
    refinement: Refinement
    shared: bool = False

    @classmethod
    def of(cls, config: SearchConfig) -> Costs:
        """Return the costs that these settings imply."""
        noise = config.noise_estimator
        strength = config.trained_at()
        return cls(
            attack=2 * config.training.steps,
            verification=APGD(eps=strength, steps=config.finalists.attack_steps).passes,
            refinement=Refinement(noise.refine, noise.refine_step),
            shared=config.runtime.fast,
        )

    def attacks(self, strengths: int) -> int:
        """Return the passes per image of attacks at so many strengths."""
        return self.attack * strengths - (2 * max(strengths - 1, 0) if self.shared else 0)

    def training(self, images: int) -> int:
        """An attack, and a forward and backward pass that moves the weights."""
        return images * (self.attack + 2)

    def noise_data(self, images: int, spectrum: Spectrum) -> int:
        """The N1 known attacks and the one at ε̂."""
        return images * self.attacks(len(spectrum.attacked) + 1)

    def measuring(self, images: int, spectrum: Spectrum) -> int:
        """N1 attacks, refined estimates of the others, and N1+N2+1 losses."""
        refining = self.refinement.passes(len(spectrum.estimated))
        return images * (self.attacks(len(spectrum.attacked)) + refining + 1 + len(spectrum.strengths))

    def fidelity(self, images: int, spectrum: Spectrum) -> int:
        """Every strength attacked, and the estimates scored beside the real noise."""
        estimated = len(spectrum.estimated)
        refining = self.refinement.passes(estimated)
        return images * (self.attacks(len(spectrum.strengths)) + refining + 1 + 2 * estimated)

    def mixture(self, images: int, strengths: int) -> int:
        """An attack per strength, and a forward and backward pass for each loss."""
        return images * (self.attacks(strengths) + 2 * (1 + strengths))

    def verifying(self, images: int, spectrum: Spectrum) -> int:
        """APGD at every strength, and the losses."""
        return images * ((self.verification + 1) * len(spectrum.strengths) + 1)


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How many images each phase takes from the halves of the training set: whole batches where there is one."""

    epoch: int
    noise: int
    measured: int
    fidelity: int
    mixture: int

    @classmethod
    def of(cls, config: SearchConfig, data: DataBundle, spectrum: Spectrum) -> Amounts:
        """Return them for these settings and data."""
        training, noise, measure = config.training, config.noise_estimator, config.measure
        batches = math.ceil(noise.fidelity_images / measure.batch_size)
        wanted = noise_batches(config, spectrum) * training.batch_size
        return cls(
            epoch=_whole(len(data.train), training.images, training.batch_size),
            noise=_whole(len(data.train), wanted, training.batch_size),
            measured=_whole(len(data.valid), measure.images, measure.batch_size),
            fidelity=min(len(data.valid), batches * measure.batch_size),
            mixture=min(len(data.valid), measure.batch_size),
        )


def noise_batches(config: SearchConfig, spectrum: Spectrum) -> int:
    """Return B, as printed, or leaving one out no more batches than M_a can hold.

    The rest would leave the queue before φ ever saw them.
    """
    noise = config.noise_estimator
    if noise.examples == "printed":
        return noise.batches
    entries = config.training.batch_size * examples_per_image(len(spectrum.attacked), noise.examples)
    return min(noise.batches, math.ceil(noise.memory / entries))


def passes_of_calls(
    config: SearchConfig, data: DataBundle, spectrum: Spectrum, calls: Calls, *, learned: bool, robust_mixture: bool
) -> dict[str, int]:
    """Return the passes of every phase of a search that makes these calls, before any strength falls back.

    `learned`: φ is trained on attacks of its own. `robust_mixture`: the mixture is attacked at every strength.
    """
    costs, amounts = Costs.of(config), Amounts.of(config, data, spectrum)
    every = config.noise_estimator.fidelity_every
    checks = (calls.warm_up + calls.measure) // every - calls.warm_up // every if spectrum.estimated else 0
    strengths = len(spectrum.strengths) if robust_mixture else 0
    found = {
        WARM_UP: calls.warm_up * costs.training(amounts.epoch),
        TRAINING: (calls.measure + calls.measure_clean) * costs.training(amounts.epoch),
        NOISE_DATA: calls.measure * costs.noise_data(amounts.noise, spectrum) if learned and spectrum.estimated else 0,
        MEASURING: (calls.measure + calls.remeasure) * costs.measuring(amounts.measured, spectrum)
        + calls.measure_clean * amounts.measured,
        FIDELITY: checks * costs.fidelity(amounts.fidelity, spectrum),
        MIXTURE: calls.mixture * costs.mixture(amounts.mixture, strengths),
    }
    return {phase: passes for phase, passes in found.items() if passes}


def passes_of_trainings(config: SearchConfig, data: DataBundle, calls: Calls) -> dict[str, int]:
    """Return the passes of a search that makes these calls, each distinct candidate trained alone and measured once."""
    candidates = (calls.measure + calls.measure_clean) * config.labels.seeds
    strengths, attack = len(config.spectrum.all_strengths()), label_attack(config)
    images = min(len(data.valid), config.measure.images or len(data.valid))
    found = {
        TRAINING: candidates * short_training(config).passes(len(data.train)),
        MEASURING: candidates * scoring_passes(images, strengths, attack),
    }
    return {phase: passes for phase, passes in found.items() if passes}


def _whole(available: int, wanted: int | None, batch_size: int) -> int:
    count = available if wanted is None else min(wanted, available)
    return count // batch_size * batch_size or min(available, batch_size)
