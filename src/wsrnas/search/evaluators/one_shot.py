"""The super-network as an evaluator: weights shared by all architectures, trained as they are measured."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from wsrnas import rng
from wsrnas.attacks.apgd import APGD
from wsrnas.attacks.pgd import PGD
from wsrnas.data import DataBundle
from wsrnas.estimators.memory import NoiseMemory
from wsrnas.estimators.noise import NoiseFit, fit_noise_estimator, noise_estimator, push_noise
from wsrnas.runtime import Runtime
from wsrnas.runtime.processes import alike, alone
from wsrnas.runtime.shares import sharing
from wsrnas.search import costs
from wsrnas.search.base import Timer
from wsrnas.search.config import SearchConfig
from wsrnas.search.costs import Costs, noise_batches
from wsrnas.search.evaluators.charged import ChargedEvaluator
from wsrnas.search.evaluators.fidelity import Fidelity, measure_fidelity, said_of_weak, too_weak
from wsrnas.search.evaluators.measure import (
    Refinement,
    Spectrum,
    attacked_losses,
    clean_loss,
    measure_losses,
    real_noises,
)
from wsrnas.search.evaluators.mixture import whole_mixture_losses
from wsrnas.search.evaluators.scoring import attackable
from wsrnas.search.latency import Latencies
from wsrnas.search.setup import learning_rate, limited, network_config, space_within_limits
from wsrnas.spaces.base import Architecture
from wsrnas.spaces.genotype import Genotype
from wsrnas.training.epoch import train_epoch
from wsrnas.training.losses import PGDTraining
from wsrnas.types import Encoding, Losses


class OneShot(ChargedEvaluator):
    """Trains a sub-network for one epoch of D_t, keeps φ up to date, and measures N1+N2+1 losses on D_v.

    Randomness depends on (seed, purpose, number of trainings so far) only. BatchNorm has no running averages, so the
    network attacked is the network measured. Several processes share every batch and hold the same weights, φ included.
    """

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
        self.spectrum = Spectrum(config.spectrum.all_strengths(), config.spectrum.attacked_strengths())
        self.strengths = torch.tensor(self.spectrum.strengths)
        with rng.fixed_global_seed(config.seed, "one-shot", "weights"):
            self.supernet = runtime.prepare(self.space.supernet(network_config(config, data)))
        phi: dict[str, Any] = {"image_shape": data.image_shape, "seed": config.seed, **config.noise_estimator.settings}
        self.noise_estimator = runtime.prepare(noise_estimator(config.noise_estimator.name, **phi))
        self.refinement = Refinement(config.noise_estimator.refine, config.noise_estimator.refine_step)
        weights, rate = config.training, config.training.learning_rate
        self.optimizer = torch.optim.SGD(
            self.supernet.parameters(), lr=rate, momentum=weights.momentum, weight_decay=weights.weight_decay
        )
        eps = config.trained_at()
        self.attack = PGD(eps=eps, steps=weights.steps, step_size=weights.step_size(eps), random_start=False)
        self.noise_memory = NoiseMemory(config.noise_estimator.memory)
        if self.noise_estimator.needs_training:
            self.noise_optimizer, self.noise_schedule = NoiseFit().optimizer(self.noise_estimator)
        self.sample = runtime.images(data.valid.fetch(torch.arange(2))[0])
        self.costs = Costs.of(config)
        self.spent: dict[str, int] = {}
        self.record: dict[str, Any] = {}
        self.fidelity: dict[float, Fidelity] = {}
        self.trained, self.suspects = 0, set[float]()

    def warm_up(self, architecture: Architecture) -> None:
        """Lines 2-5: one epoch of adversarial training."""
        self.record = {}
        self.train(self._network(architecture), phase=costs.WARM_UP)

    def measure(self, architecture: Architecture) -> Losses:
        """Lines 8-16: the four steps."""
        self.record = {}
        network = self._network(architecture)
        self.train(network)
        self.train_noise_estimator(network)
        self.check_fidelity(network)
        losses = self.losses(network)
        self.record |= {"architecture": list(architecture.choice), "losses": losses.tolist()}
        return losses

    def measure_clean(self, architecture: Architecture) -> Losses:
        """Train, and measure nothing but the clean loss."""
        self.record = {}
        network = self._network(architecture)
        self.train(network)
        with self.timed("measuring"):
            loss, images = clean_loss(network, self._valid_batches(), self.runtime)
        self.charge(costs.MEASURING, images)
        self.record |= {"architecture": list(architecture.choice), "clean_loss": float(loss)}
        return loss

    def remeasure(self, architecture: Architecture) -> Losses:
        """Measure without training."""
        return self.losses(self._network(architecture))

    def train(self, network: nn.Module, *, phase: str = costs.TRAINING) -> None:
        """Adversarially train the network on D_t for one epoch (PGD without random start, as the paper)."""
        weights, position = self.config.training, self.trained
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, position)
        eps, steps, size = self.attack.eps, weights.steps, self.attack.step_size
        loss = PGDTraining(eps=eps, steps=steps, step_size=size, random_start=False, attack_mode="train")
        with self.timed("adversarial training"):
            result = train_epoch(
                network,
                self.optimizer,
                loss,
                self._training_batches(position, "order", weights.images),
                runtime=self.runtime,
                generator_for=lambda step: self._stream("attack", position, step),
                clip=weights.clip,
            )
        self.trained += 1
        self.charge(phase, self.costs.training(result.images))
        self.record |= {"train_loss": result.loss, "train_accuracy": result.accuracy}

    def train_noise_estimator(self, network: nn.Module) -> None:
        """Push real noises of B random batches of D_t into M_a and train φ on it for K_a passes (Eq. 4, 5).

        The paper does not say how ε̂ is drawn: uniformly, once a batch, as in the released code.
        """
        settings = self.config.noise_estimator
        if not self.noise_estimator.needs_training or not self.spectrum.estimated:
            return
        batches = noise_batches(self.config, self.spectrum)
        with self.timed("attacks for the noise estimator"):
            drawn = self._training_batches(self.trained, "noise batches", batches * self.config.training.batch_size)
            for index, (images, labels) in enumerate(drawn):
                images, labels = self.runtime.images(images), labels.to(self.runtime.device)
                draw = torch.rand((), generator=self._stream("noise strength", self.trained, index))
                strengths = [*self.spectrum.attacked, max(float(draw) * settings.largest, 1e-3)]
                with sharing(len(labels)) as share:
                    own = share.of(images), share.of(labels)
                    noises = share.joined(real_noises(network, *own, strengths, self.attack, self.runtime)).to(images)
                push_noise(self.noise_memory, images, noises, torch.tensor(strengths), settings.examples)
                self.charge(costs.NOISE_DATA, self.costs.noise_data(len(images), self.spectrum))
        with self.timed("noise estimator"):
            losses = fit_noise_estimator(
                self.noise_estimator,
                self.noise_memory,
                self.noise_optimizer,
                passes=settings.passes,
                batch_size=self.config.training.batch_size,
                generator=self._stream("noise fit", self.trained),
                schedule=self.noise_schedule,
            )
        self.record["noise_estimator_loss"] = losses[-1]

    def losses(self, network: nn.Module) -> Losses:
        """On D_v: attack at the N1 strengths, estimate the other N2, return the mean losses per image."""
        measured, images = measure_losses(
            network,
            self._valid_batches(),
            self.spectrum,
            self.attack,
            self.noise_estimator,
            self.runtime,
            self.timed,
            self.refinement,
        )
        self.charge(costs.MEASURING, self.costs.measuring(images, self.spectrum))
        return measured

    def check_fidelity(self, network: nn.Module) -> None:
        """Every few trainings, compare estimated with real noise on fresh images of D_v.

        A strength whose share stays below the bound twice running is attacked for real from then on.
        """
        settings = self.config.noise_estimator
        if not self.spectrum.estimated or self.trained % settings.fidelity_every:
            return
        fresh = self.data.valid.batches(
            self.config.measure.batch_size, generator=self._stream("fidelity", self.trained), device=self.runtime.device
        )
        batches = islice(fresh, max(1, math.ceil(settings.fidelity_images / self.config.measure.batch_size)))
        with self.timed("fidelity check"):
            self.fidelity, images = measure_fidelity(
                network, batches, self.spectrum, self.attack, self.noise_estimator, self.runtime, self.refinement
            )
        self.charge(costs.FIDELITY, self.costs.fidelity(images, self.spectrum))
        self.record["fidelity"] = {f"{strength:g}": found.share for strength, found in self.fidelity.items()}
        self.record["loss_error"] = {f"{strength:g}": found.loss_error for strength, found in self.fidelity.items()}
        low = too_weak(self.fidelity, settings.fidelity_bound)
        for strength in sorted(low & self.suspects):
            message = said_of_weak(self.fidelity[strength], strength, settings.fidelity_bound, self.trained)
            warnings.warn(message, RuntimeWarning, stacklevel=2)
            self.record.setdefault("warnings", []).append(message)
            self.spectrum = self.spectrum.with_attacked(strength)
        self.suspects = low

    def network(self, genotype: Genotype) -> nn.Module:
        """Return the sub-network of a genotype."""
        return attackable(self.supernet.at(self.space.choice(genotype)), self.sample)

    def _network(self, architecture: Architecture) -> nn.Module:
        """Return the sub-network of an architecture, which has to be the same on all processes.

        Attacks leave the images alone where it sees nothing of them.
        """
        alike(architecture.choice, "architecture")
        with alone():
            return attackable(self.supernet.at(architecture.choice), self.sample)

    def verify(self, architectures: list[Architecture]) -> list[Losses]:
        """Measure with APGD at every strength under the final shared weights."""
        attack = APGD(eps=self.attack.eps, steps=self.config.finalists.attack_steps)
        found, draws = [], partial(self._stream, "verify")
        for architecture in architectures:
            network, batches = self._network(architecture), self._valid_batches()
            losses, images = attacked_losses(network, batches, self.spectrum, attack, self.runtime, draws)
            self.charge(costs.VERIFICATION, self.costs.verifying(images, self.spectrum))
            found.append(losses)
        return found

    def mixture_losses(self, arch_weights: Encoding, batch: int, *, robust: bool) -> Losses:
        """Return the losses of the mixture (Eq. 2) on one batch of D_v: at every strength, or the clean one alone."""
        drawn = self.data.valid.batches(
            self.config.measure.batch_size, generator=self._stream("mixture", batch), device=self.runtime.device
        )
        images, labels = next(drawn)
        strengths = self.spectrum.strengths if robust else ()
        self.charge(costs.MIXTURE, self.costs.mixture(len(images), len(strengths)))
        return whole_mixture_losses(
            self.supernet, arch_weights, images, labels, strengths, self.attack, self.runtime, self.timed
        )

    def state_dict(self) -> dict[str, Any]:
        """Return weights, optimisers, φ, M_a, and where the search stands."""
        state: dict[str, Any] = {
            "supernet": self.supernet.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "noise_estimator": self.noise_estimator.state_dict(),
            "noise_memory": self.noise_memory.state_dict(),
            "trained": self.trained,
            "spent": dict(self.spent),
            "attacked": list(self.spectrum.attacked),
            "suspects": sorted(self.suspects),
            "fidelity": {strength: [found.share, found.loss_error] for strength, found in self.fidelity.items()},
        }
        if self.noise_estimator.needs_training:
            state["noise_optimizer"] = self.noise_optimizer.state_dict()
            state["noise_steps"] = self.noise_schedule.last_epoch
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.supernet.load_state_dict(state["supernet"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.noise_estimator.load_state_dict(state["noise_estimator"])
        self.noise_memory.load_state_dict(state["noise_memory"])
        self.trained, self.spent = state["trained"], dict(state["spent"])
        self.spectrum = Spectrum(self.spectrum.strengths, tuple(state["attacked"]))
        self.suspects = set(state["suspects"])
        self.fidelity = {strength: Fidelity(*found) for strength, found in state["fidelity"].items()}
        if self.noise_estimator.needs_training:
            self.noise_optimizer.load_state_dict(state["noise_optimizer"])
            self.noise_schedule.last_epoch = state["noise_steps"]

    def _stream(self, *path: str | int) -> torch.Generator:
        return rng.stream(self.config.seed, "one-shot", *path)

    def _training_batches(self, position: int, purpose: str, images: int | None) -> Iterator[tuple[Tensor, Tensor]]:
        batches = self.data.train.batches(
            self.config.training.batch_size,
            generator=self._stream(purpose, position),
            augment=self.data.augment,
            device=self.runtime.device,
            drop_last=len(self.data.train) >= self.config.training.batch_size,
        )
        return islice(batches, None if images is None else max(1, images // self.config.training.batch_size))

    def _valid_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        images, batch_size = self.config.measure.images, self.config.measure.batch_size
        return limited(self.data.valid, images, batch_size, self.runtime.device)
