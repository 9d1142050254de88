"""Short trainings alone as an evaluator: every candidate has weights of its own, and its label is nearly the truth."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import nn

from wsrnas import rng
from wsrnas.attacks.apgd import APGD
from wsrnas.data import DataBundle
from wsrnas.runtime import Runtime
from wsrnas.runtime.processes import alike
from wsrnas.search import costs
from wsrnas.search.base import Timer
from wsrnas.search.config import SearchConfig
from wsrnas.search.costs import Costs
from wsrnas.search.evaluators.charged import ChargedEvaluator
from wsrnas.search.evaluators.measure import Spectrum, attacked_losses
from wsrnas.search.evaluators.scoring import score, score_draws, scoring_passes, sees_nothing
from wsrnas.search.evaluators.short_training import label_attack, short_training, trained_alone
from wsrnas.search.latency import Latencies
from wsrnas.search.setup import limited, space_within_limits
from wsrnas.spaces.base import Architecture
from wsrnas.spaces.genotype import Genotype
from wsrnas.types import Losses


class Trained(ChargedEvaluator):
    """Trains each candidate from scratch for `labels.epochs`, rate annealed, and attacks it on D_v at every strength.

    A label depends on the seed and the architecture alone, not on what was measured before, so labels of one search
    can be compared; architectures that compute the same function share one, and asking again is free. Weights are not
    kept: `verify` and `network` train the network again, as it was. An architecture with all edges active is measured
    as the genotype derived from it.

    Differs from the paper: it labels under shared weights, which rank poorly (docs/studies/one-shot.md).
    """

    warms_up = False
    trains_alone = True

    def __init__(
        self,
        config: SearchConfig,
        data: DataBundle,
        runtime: Runtime,
        *,
        timer: Timer = lambda phase: nullcontext(),
        latencies: Latencies | None = None,
    ) -> None:
        self.config, self.data, self.runtime, self.timed = config, data, runtime, timer
        self.space = space_within_limits(config, data, runtime, latencies)
        strengths = config.spectrum.all_strengths()
        self.spectrum = Spectrum(strengths, strengths)
        self.strengths = torch.tensor(strengths)
        self.settings = short_training(config)
        self.attack = label_attack(config)
        self.spent: dict[str, int] = {}
        self.record: dict[str, Any] = {}
        self.known: dict[str, Losses] = {}

    def warm_up(self, architecture: Architecture) -> None:
        """Networks of their own have no weights to warm up."""
        self.record = {"cost": self.cost}

    def measure(self, architecture: Architecture) -> Losses:
        """Return the losses of the network trained alone, the mean of `labels.seeds` trainings."""
        genotype = self.space.decode(architecture.encoding)
        self.record = {"cost": self.cost, "architecture": list(architecture.choice)}
        key = self.space.canonical(genotype)
        alike(key, "architecture")
        if key not in self.known:
            labels = [self.label(genotype, index) for index in range(self.config.labels.seeds)]
            self.known[key] = torch.stack(labels).mean(dim=0)
        self.record["losses"] = self.known[key].tolist()
        return self.known[key]

    def measure_clean(self, architecture: Architecture) -> Losses:
        """Return the clean loss of the same label: training costs more than the attacks that are not asked for."""
        loss = self.measure(architecture)[:1]
        self.record["clean_loss"] = float(loss)
        return loss

    def remeasure(self, architecture: Architecture) -> Losses:
        """Return the label, which no later training changes; a candidate without one is trained."""
        return self.measure(architecture)

    def label(self, genotype: Genotype, index: int) -> Losses:
        """Train the `index`-th network of a genotype and return its losses on D_v, index 0 clean."""
        with self.timed(costs.TRAINING):
            network = self.trained(genotype, index)
        self.charge(costs.TRAINING, self.settings.passes(len(self.data.train)))
        with self.timed(costs.MEASURING):
            found = score(
                network,
                self.data.valid,
                self.spectrum.strengths,
                self.attack,
                images=self.config.measure.images,
                batch_size=self.config.measure.batch_size,
                runtime=self.runtime,
                generator_for=score_draws(self.config.seed, self.runtime),
            )
        self.charge(costs.MEASURING, scoring_passes(len(found.right), len(self.strengths), self.attack))
        return found.losses

    def trained(self, genotype: Genotype, index: int) -> nn.Module:
        """Return the `index`-th network of a genotype, trained; the same call gives the same weights on a CPU."""
        seed = rng.derive_seed(self.config.seed, "label", self.space.canonical(genotype), index) % 2**31
        return trained_alone(self.space, genotype, self.config, self.data, self.runtime, seed, "weights").eval()

    def network(self, genotype: Genotype) -> nn.Module:
        """Train the network of the first label again."""
        return self.trained(genotype, 0)

    def verify(self, architectures: list[Architecture]) -> list[Losses]:
        """Train each again as it was, measure it with APGD at every strength; one that sees nothing has its label."""
        attack = APGD(eps=self.attack.eps, steps=self.config.finalists.attack_steps)
        found = []
        for architecture in architectures:
            network = self.network(self.space.decode(architecture.encoding))
            if sees_nothing(network, self.runtime.images(self.data.valid.fetch(torch.arange(1))[0])):
                self.charge(costs.VERIFICATION, self.settings.passes(len(self.data.train)))
                found.append(self.measure(architecture))
                continue
            batches = limited(
                self.data.valid, self.config.measure.images, self.config.measure.batch_size, self.runtime.device
            )
            losses, images = attacked_losses(
                network,
                batches,
                self.spectrum,
                attack,
                self.runtime,
                lambda index: rng.stream(self.config.seed, "trained", "verify", index),
            )
            passes = self.settings.passes(len(self.data.train)) + Costs.of(self.config).verifying(images, self.spectrum)
            self.charge(costs.VERIFICATION, passes)
            found.append(losses)
        return found

    def state_dict(self) -> dict[str, Any]:
        """Return the labels and what they cost."""
        return {"known": dict(self.known), "spent": dict(self.spent)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.known, self.spent = dict(state["known"]), dict(state["spent"])
