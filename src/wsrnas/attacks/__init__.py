"""Adversarial attacks under one contract: ``PGD(eps=8/255, steps=20)(model, images, labels, generator)``.

`ATTACKS` holds them by name; an attack of your own joins by a line in `named.py`, by an entry point in the group
``wsrnas.attacks``, or by being named as ``package.module:Class``.
"""

from wsrnas.attacks.apgd import APGD, TargetedAPGD
from wsrnas.attacks.autoattack import AutoAttack
from wsrnas.attacks.base import Attack
from wsrnas.attacks.black_box import BlackBox
from wsrnas.attacks.fgsm import FGSM
from wsrnas.attacks.fmn import FMN
from wsrnas.attacks.named import ATTACKS, build_attack, read_attacks
from wsrnas.attacks.norms import Ball
from wsrnas.attacks.objectives import Goal
from wsrnas.attacks.pgd import PGD
from wsrnas.attacks.random_noise import RandomNoise
from wsrnas.attacks.rays import RayS
from wsrnas.attacks.smoothed import SmoothedPGD
from wsrnas.attacks.square import Square
from wsrnas.attacks.transfer import Transfer
from wsrnas.attacks.victim import GradientError, Model, Victim

__all__ = [
    "APGD",
    "ATTACKS",
    "FGSM",
    "FMN",
    "PGD",
    "Attack",
    "AutoAttack",
    "Ball",
    "BlackBox",
    "Goal",
    "GradientError",
    "Model",
    "RandomNoise",
    "RayS",
    "SmoothedPGD",
    "Square",
    "TargetedAPGD",
    "Transfer",
    "Victim",
    "build_attack",
    "read_attacks",
]
