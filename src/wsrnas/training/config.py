"""What a training is made of: plain values, so that a recipe file, the command line and a run folder can hold it."""

from __future__ import annotations

from dataclasses import dataclass, field

from wsrnas.data import DataConfig
from wsrnas.errors import refuse
from wsrnas.runtime import RuntimeConfig
from wsrnas.training.choices import LossConfig, ScheduleConfig
from wsrnas.types import check_linf, parse_strength


@dataclass(frozen=True, kw_only=True)
class SizeConfig:
    """The size of the network of a genotype.

    Args:
        channels: C, channels of the first cell; of a network of stages, those of the stem, the unit of its widths.
        layers: number of cells; a network of stages has its own depth.
        stem: cifar, or imagenet for images of 224 pixels.
    """

    channels: int = 16
    layers: int = 8
    stem: str = "cifar"

    def __post_init__(self) -> None:
        for name in ("channels", "layers"):
            if getattr(self, name) < 1:
                refuse(f"network.{name}", expected="at least 1", got=getattr(self, name))


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


@dataclass(frozen=True, kw_only=True)
class SelectionConfig:
    """How the network that is kept is chosen, on the held-out part of the training set and never on the test set.

    Args:
        every: measure after every so many epochs, and after the last.
        by: robust or clean accuracy, the earliest epoch winning a tie; last keeps the last epoch and is the only
            choice where nothing is held out (data.valid_fraction 0).
        eps: radius of the PGD attack; null takes the training loss's (its largest).
        steps: attack steps.
        images: how many held-out images to measure; null takes all.
    """

    every: int = 1
    by: str = "robust"
    eps: str | float | None = None
    steps: int = 10
    images: int | None = None

    def __post_init__(self) -> None:
        for name in ("every", "steps", "images"):
            value = getattr(self, name)
            if value is not None and value < 1:
                refuse(f"selection.{name}", expected="at least 1", got=value)
        if self.by not in ("robust", "clean", "last"):
            refuse("selection.by", expected="'robust', 'clean' or 'last'", got=self.by)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything a training depends on besides the network itself.

    Args:
        recipe: its name, for the reader.
        seed: of weights, order, augmentation and attacks.
        ema: decay of the moving average of the weights, which then is what is measured and kept; null for none.
        checkpoint_every: optimiser steps between checkpoints inside an epoch; there is one after every epoch anyway.
    """

    recipe: str = "custom"
    seed: int = 0
    data: DataConfig = field(default_factory=lambda: DataConfig(valid_fraction=0.1))
    network: SizeConfig = field(default_factory=SizeConfig)
    loss: LossConfig = field(default_factory=lambda: LossConfig(eps="8/255"))
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    epochs: int = 30
    batch_size: int = 128
    ema: float | None = None
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "checkpoint_every"):
            if getattr(self, name) < 1:
                refuse(name, expected="at least 1", got=getattr(self, name))
        if self.ema is not None and not 0 < self.ema < 1:
            refuse("ema", expected="a decay between 0 and 1 such as 0.999", got=self.ema, remedy="use null for none")
        self.loss.build()
        self.schedule.build()
        self.selection_strength()
        if self.data.valid_fraction == 0 and self.selection.by != "last":
            remedy = "set data.valid_fraction, or selection.by last"
            refuse("data.valid_fraction", expected="held-out images to select on", got=0, remedy=remedy)

    def selection_strength(self) -> float | None:
        """Return the radius that held-out robust accuracy is measured at; None measures clean accuracy only.

        Raises:
            InputError: selection by robust accuracy without any radius.
        """
        if self.selection.eps is not None:
            return check_linf(parse_strength(self.selection.eps, argument="selection.eps"), argument="selection.eps")
        loss = self.loss.build()
        strengths = getattr(loss, "strengths", None) or (getattr(loss, "eps", None),)
        if strengths[-1] is None and self.selection.by == "robust":
            refuse(
                "selection.by",
                expected="'clean' for the loss 'standard'",
                got="'robust'",
                remedy="or set selection.eps",
            )
        return strengths[-1]
