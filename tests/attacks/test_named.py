"""Attacks by name: the notation, the table, a class of one's own."""

import sys

import pytest
import torch
from torch import nn

from wsrnas.attacks import APGD, FGSM, PGD, BlackBox, Transfer, build_attack, read_attacks
from wsrnas.attacks.base import Attack
from wsrnas.errors import InputError
from wsrnas.parts import PartConfig

OWN = """
from dataclasses import dataclass
from wsrnas.attacks import Attack

@dataclass(frozen=True, kw_only=True)
class Mine(Attack):
    radius: float = 0.5
    names: tuple[str, ...] = ()
    passes = 0
    def _craft(self, victim, ball, goal, generator):
        return ball.images
"""


def named(text, **given):
    (config,) = read_attacks(text)
    return build_attack(config, **given)


@pytest.mark.parametrize(
    ("text", "attack"),
    [
        ("pgd", PGD(eps=0.1)),
        ("pgd:steps=50:restarts=5", PGD(eps=0.1, steps=50, restarts=5)),
        ("pgd:keep=best:random_start=false", PGD(eps=0.1, keep="best", random_start=False)),
        ("apgd-ce", APGD(eps=0.1)),
        ("apgd-dlr", APGD(eps=0.1, loss="dlr")),
        ("apgd-dlr:steps=7", APGD(eps=0.1, loss="dlr", steps=7)),
        (" fgsm ", FGSM(eps=0.1)),
        ("papernot:rounds=2:attack=fgsm", BlackBox(eps=0.1, rounds=2, attack=FGSM(eps=0.1))),
        ("papernot:augmentation_step=8/255", BlackBox(eps=0.1, augmentation_step=8 / 255)),
    ],
)
def test_a_name_is_the_attack_with_its_settings(text, attack):
    assert named(text) == attack


def test_norm_and_other_models_are_handed_over():
    other = nn.Flatten()
    assert named("pgd", norm="L2", eps=0.5) == PGD(eps=0.5, norm="L2")
    found = named("transfer:attack=apgd-ce", norm="L2", sources=[other])
    assert found == Transfer(eps=0.1, norm="L2", sources=(other,), attack=APGD(eps=0.1, norm="L2"))
    seeds = torch.rand(2, 1, 4, 4)
    assert named("papernot", seed_images=seeds).seed_images is seeds


def test_several_attacks_and_brackets():
    assert read_attacks("pgd:steps=3,a.b:C:names=[x,y],fgsm") == [
        PartConfig(name="pgd", settings={"steps": 3}),
        PartConfig(name="a.b:C", settings={"names": ["x", "y"]}),
        PartConfig(name="fgsm", settings={}),
    ]


def test_a_class_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "my_attacks.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    attack = named("my_attacks:Mine:radius=8/255:names=[x,y]")
    assert isinstance(attack, Attack)
    assert (attack.radius, attack.names, attack.name) == (8 / 255, ("x", "y"), "Mine")
    del sys.modules["my_attacks"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pdg", "attacks: expected a known name .*got 'pdg'; did you mean 'pgd'"),
        ("pgd:stepz=3", "attacks.settings.stepz: expected a setting of 'pgd' .*did you mean 'steps'"),
        ("pgd:steps=many", "attacks.settings.steps: expected a whole number, got many"),
        ("pgd:loss=hinge", "attacks.settings.loss: expected one of ce, margin, dlr"),
        ("pgd:eps=0.1", "attacks.settings.eps: expected a setting of 'pgd'"),
        ("pgd:step_size=1/255", "step_size: expected none for an attack by name, which runs at many strengths"),
        ("pgd,,fgsm", "expected names with commas between them"),
        ("", "expected names with commas between them"),
        ("pgd:steps=[", "attacks: cannot read 'steps=\\['"),
        ("pgd:steps=2020-13-01", "attacks: cannot read 'steps=2020-13-01'"),
        ("transfer", "expected other models for transfer to craft on, got none; give them with --others"),
        ("papernot:attack=pdg", "attacks.attack: expected a known name"),
        ("no_such_module_here:Mine", "attacks: cannot import no_such_module_here"),
        ("torch.nn:Linear", "attacks: expected a subclass of wsrnas.attacks.base.Attack"),
    ],
)
def test_what_is_no_attack_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        [build_attack(config) for config in read_attacks(text)]
