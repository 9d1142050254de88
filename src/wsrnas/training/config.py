"""What a training is made of: plain values, so that a recipe file, the command line and a run folder can hold it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import nn

from wsrnas.data import DataConfig
from wsrnas.errors import at_least, one_of, refuse
from wsrnas.models.network import SizeConfig
from wsrnas.networks.activation import ACTIVATIONS
from wsrnas.parts import PartConfig
from wsrnas.runtime import RuntimeConfig
from wsrnas.training.bands import Bands, band_loss, read_bands
from wsrnas.training.losses import LOSSES, AdversarialLoss, TrainingLoss
from wsrnas.training.perturbation import PerturbationConfig
from wsrnas.training.schedules import SCHEDULES, Schedule
from wsrnas.types import check_linf, parse_strength, parse_strengths


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """Stochastic gradient descent.

    Args:
        lr: highest learning rate.
        momentum: of the gradient.
        weight_decay: on every parameter.
        nesterov: Nesterov's momentum.
        clip: largest gradient norm; null does not clip.
    """

    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    nesterov: bool = False
    clip: float | None = 5.0

    def __post_init__(self) -> None:
        if not self.lr > 0:
            refuse("optimizer.lr", expected="a learning rate > 0", got=self.lr)
        for name in ("momentum", "weight_decay"):
            if not getattr(self, name) >= 0:
                refuse(f"optimizer.{name}", expected="a number >= 0", got=getattr(self, name))
        if self.nesterov and self.momentum == 0:
            refuse("optimizer.nesterov", expected="a momentum > 0", got=self.momentum, remedy="set optimizer.momentum")
        if self.clip is not None and not self.clip > 0:
            refuse("optimizer.clip", expected="a norm > 0 or null", got=self.clip)

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.SGD:
        """Return the optimiser of some parameters."""
        return torch.optim.SGD(
            parameters, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay, nesterov=self.nesterov
        )


@dataclass(frozen=True, kw_only=True)
class SelectionConfig:
    """How the network that is kept is chosen, on the held-out part of the training set and never on the test set.

    Args:
        every: measure after every so many epochs, and after the last.
        by: robust or clean accuracy, the earliest epoch winning a tie; auto is robust where there is a radius, else
            clean; last keeps the last epoch and is the only choice where nothing is held out (data.valid_fraction 0).
        eps: radius of the PGD attack; null takes the training loss's (its largest).
        steps: attack steps.
        images: how many held-out images to measure; null takes all.
    """

    every: int = 1
    by: str = "auto"
    eps: str | float | None = None
    steps: int = 10
    images: int | None = None

    def __post_init__(self) -> None:
        for name in ("every", "steps", "images"):
            value = getattr(self, name)
            if value is not None:
                at_least(1, **{f"selection.{name}": value})
        one_of("selection.by", self.by, ("auto", "robust", "clean", "last"))


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything a training depends on besides the network itself.

    Args:
        recipe: a shipped recipe (`wsrnas recipes` lists them) or a YAML file; a record, since the values decide.
        seed: of weights, order, augmentation and attacks.
        strengths: the spectrum that the network is for, such as 2/255,8/255: named in the commands that follow, and
            compared with what is trained at; null for none.
        activation: relu, or silu in place of every ReLU of the network.
        loss: a training loss by name with its own settings: standard, pgd, trades, fast, free, multi, or a class of
            yours.
        bands: strengths trained at by networks of their own that decide together (MAT), one band each, such as
            "0.03,0.045; 0.06,0.075"; null trains one network.
        schedule: a learning-rate schedule by name with its own settings: constant, step, cosine, cyclic, or a class of
            yours.
        epochs: passes over the training images.
        batch_size: images per update.
        ema: decay of the moving average of the weights, which then is what is measured and kept; null for none.
        checkpoint_every: batches between checkpoints inside an epoch; there is one after every epoch anyway.
    """

    recipe: str = "custom"
    seed: int = 0
    strengths: str | float | list[str | float] | None = None
    data: DataConfig = field(default_factory=lambda: DataConfig(valid_fraction=0.1))
    network: SizeConfig = field(default_factory=SizeConfig)
    activation: str = "relu"
    loss: PartConfig = field(default_factory=lambda: PartConfig(name="pgd", settings={"eps": "8/255"}))
    bands: str | list[str | float | list[str | float]] | None = None
    awp: PerturbationConfig = field(default_factory=PerturbationConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: PartConfig = field(default_factory=lambda: PartConfig(name="cosine"))
    epochs: int = 30
    batch_size: int = 128
    ema: float | None = None
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        at_least(1, epochs=self.epochs, batch_size=self.batch_size, checkpoint_every=self.checkpoint_every)
        if self.ema is not None and not 0 < self.ema < 1:
            refuse("ema", expected="a decay between 0 and 1 such as 0.999", got=self.ema, remedy="use null for none")
        one_of("activation", self.activation, tuple(ACTIVATIONS))
        self.spectrum()
        self.build_schedule()
        for loss in self.losses():
            if self.awp.gamma is not None and not isinstance(loss, AdversarialLoss):
                remedy = "leave awp.gamma out, or choose pgd, trades, fast or multi"
                expected = "a loss that makes its adversarial images apart"
                refuse("awp.gamma", expected=expected, got=f"{self.loss.name!r}", remedy=remedy)
        self.selection_strength()
        if self.data.valid_fraction == 0 and self.selection.by != "last":
            remedy = "set data.valid_fraction, or selection.by last"
            refuse("data.valid_fraction", expected="held-out images to select on", got=0, remedy=remedy)

    def spectrum(self) -> tuple[float, ...]:
        """Return the strengths that the network is for, ascending and without 0; empty where none were asked for."""
        if self.strengths is None:
            return ()
        return tuple(strength for strength in parse_strengths(self.strengths) if strength > 0)

    def build_loss(self) -> TrainingLoss:
        """Return the training loss of one network; with `bands` it is that of no member: see `losses`."""
        return LOSSES.build(self.loss, argument="loss")

    def build_schedule(self) -> Schedule:
        """Return the schedule of the learning rate."""
        return SCHEDULES.build(self.schedule, argument="schedule")

    def strength_bands(self) -> Bands:
        """Return the strengths of every band; empty for one network."""
        return read_bands(self.bands)

    def losses(self) -> list[TrainingLoss]:
        """Return the training loss of every network: one, or one per band."""
        if bands := self.strength_bands():
            return [LOSSES.build(band_loss(self.loss, band), argument="loss") for band in bands]
        return [self.build_loss()]

    def selection_strength(self) -> float | None:
        """Return the radius that held-out robust accuracy is measured at; None measures clean accuracy only.

        Raises:
            InputError: selection by robust accuracy without any radius.
        """
        if self.selection.eps is not None:
            return check_linf(parse_strength(self.selection.eps, argument="selection.eps"), argument="selection.eps")
        largest = self.losses()[-1].largest_strength()
        if largest is None and self.selection.by == "robust":
            expected, remedy = f"'clean' for the loss {self.loss.name!r}", "or set selection.eps"
            refuse("selection.by", expected=expected, got="'robust'", remedy=remedy)
        return largest

    def selected_by(self) -> str:
        """Return what the kept epoch is chosen by, `auto` resolved: robust, clean or last."""
        if self.selection.by != "auto":
            return self.selection.by
        return "clean" if self.selection_strength() is None else "robust"
