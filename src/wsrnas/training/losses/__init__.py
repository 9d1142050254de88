"""Training losses: one file each, listed here by the name recipes use."""

from wsrnas.training.losses.base import AttackMode, TrainingLoss, batchnorm_mode
from wsrnas.training.losses.fast import FastAT
from wsrnas.training.losses.multi import MultiStrength
from wsrnas.training.losses.pgd import PGDTraining
from wsrnas.training.losses.standard import Standard
from wsrnas.training.losses.trades import TRADES

LOSSES: dict[str, type[TrainingLoss]] = {
    loss.name: loss for loss in (Standard, PGDTraining, TRADES, FastAT, MultiStrength)
}

__all__ = [
    "LOSSES",
    "TRADES",
    "AttackMode",
    "FastAT",
    "MultiStrength",
    "PGDTraining",
    "Standard",
    "TrainingLoss",
    "batchnorm_mode",
]
