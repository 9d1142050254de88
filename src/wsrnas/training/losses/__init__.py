"""Training losses: one file each, listed here by the name recipes use."""

from wsrnas.parts import Parts
from wsrnas.training.losses.base import AdversarialLoss, Attacked, AttackMode, TrainingLoss, batchnorm_mode
from wsrnas.training.losses.fast import FastAT
from wsrnas.training.losses.free import FreeAT
from wsrnas.training.losses.multi import MultiStrength
from wsrnas.training.losses.pgd import PGDTraining
from wsrnas.training.losses.standard import Standard
from wsrnas.training.losses.trades import TRADES

LOSSES: Parts[TrainingLoss] = Parts(
    TrainingLoss,
    "losses",
    [(loss.name, loss) for loss in (Standard, PGDTraining, TRADES, FastAT, FreeAT, MultiStrength)],
)

__all__ = [
    "LOSSES",
    "TRADES",
    "AdversarialLoss",
    "AttackMode",
    "Attacked",
    "FastAT",
    "FreeAT",
    "MultiStrength",
    "PGDTraining",
    "Standard",
    "TrainingLoss",
    "batchnorm_mode",
]
