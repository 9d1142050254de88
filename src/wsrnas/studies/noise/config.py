"""How large an estimator study is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from wsrnas.data import DataConfig
from wsrnas.errors import nearest, refuse
from wsrnas.studies.noise.candidates import PAPER_STRENGTHS
from wsrnas.types import parse_strengths

Scale = Literal["smoke", "digits", "small", "paper"]

BEYOND_STRENGTHS = (0.12, 0.15, 0.18)


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """Everything an estimator study depends on.

    Args:
        data: where images come from; `train_limit` and `test_limit` bound its size.
        nodes, channels, layers: size of the networks, random genotypes of the DARTS space.
        train_networks: networks whose noises φ learns from; they are not tested.
        test_networks: networks that φ never sees.
        epochs, learning_rate, batch_size: of adversarial training, SGD with a linear decay.
        train_steps: PGD steps in adversarial training at `train_eps`; 1 is Fast-AT.
        attack_steps: PGD steps of the real noises, without random start.
        strengths: where estimates are compared with real attacks; the known strengths are among them.
        learned: estimate with trained φ as well.
        phi_images: images of D_t whose noises φ learns from, for each training network.
        phi_passes: K_a, passes over these noises.
        phi_batch, phi_rate: batch size and learning rate of φ.
        phi_highest: the random strength of Eq. 4 is uniform in (0, this].
        phi_width: channels in the convolutions of the learned designs; None keeps the published sizes.
        seed: of everything.
    """

    data: DataConfig
    nodes: int = 4
    channels: int = 8
    layers: int = 5
    train_networks: int = 3
    test_networks: int = 5
    epochs: int = 3
    learning_rate: float = 0.05
    batch_size: int = 64
    train_eps: float = 0.03
    train_steps: int = 7
    attack_steps: int = 7
    strengths: tuple[float, ...] = field(default=PAPER_STRENGTHS + BEYOND_STRENGTHS)
    learned: bool = True
    phi_images: int = 512
    phi_passes: int = 1
    phi_batch: int = 64
    phi_rate: float = 5e-4
    phi_highest: float = 0.15
    phi_width: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        parse_strengths(self.strengths)
        missing = [strength for strength in PAPER_STRENGTHS if strength not in self.strengths]
        if missing:
            refuse("strengths", expected="the paper's six among them", got=self.strengths, remedy=f"add {missing}")
        for name in ("train_networks", "test_networks", "epochs", "train_steps", "attack_steps"):
            if getattr(self, name) < 1:
                refuse(name, expected="at least 1", got=getattr(self, name))
        if self.test_networks < 2:
            refuse("test_networks", expected="at least 2, to rank them", got=self.test_networks)

    def sizes(self, estimator: str) -> dict[str, Any]:
        """Return the size settings of a learned design at this scale."""
        if self.phi_width is None:
            return {}
        return {"value_channels": self.phi_width} if estimator == "a-ane" else {"width": self.phi_width}


def scale_config(scale: Scale, *, root: str | None = None, seed: int = 0) -> StudyConfig:
    """Return the study at a scale.

    ``smoke``: the digits, under a minute; ``digits``: the same with more networks, all held-out digits and longer
    training; ``small``: CIFAR-10 at 16×16, reduced networks; ``paper``: CIFAR-10, networks of 20 cells, for a GPU.

    Raises:
        InputError: no such scale, or a data root for the embedded digits.
    """
    if scale in ("smoke", "digits"):
        whole = scale == "digits"
        train, test = (None, None) if whole else (1024, 96)
        return StudyConfig(
            data=DataConfig(name="digits", root=root, valid_fraction=0.0, train_limit=train, test_limit=test),
            nodes=2,
            channels=6,
            layers=2,
            train_networks=2 if whole else 1,
            test_networks=5 if whole else 3,
            epochs=6 if whole else 3,
            train_steps=1,
            strengths=PAPER_STRENGTHS + (BEYOND_STRENGTHS if whole else BEYOND_STRENGTHS[:1]),
            phi_images=256 if whole else 128,
            phi_rate=1e-3,
            phi_passes=4 if whole else 1,
            phi_width=16 if whole else 8,
            seed=seed,
        )
    if scale == "small":
        data = DataConfig(name="cifar10", root=root, image_size=16, train_limit=10240, valid_limit=10, test_limit=256)
        return StudyConfig(
            data=data,
            nodes=2,
            layers=3,
            train_networks=2,
            test_networks=7,
            epochs=2,
            train_steps=1,
            phi_images=256,
            phi_passes=1,
            phi_rate=1e-3,
            phi_width=16,
            seed=seed,
        )
    if scale == "paper":
        data = DataConfig(name="cifar10", root=root, valid_fraction=0.0)
        return StudyConfig(
            data=data,
            channels=16,
            layers=20,
            train_networks=4,
            test_networks=10,
            epochs=30,
            learning_rate=0.1,
            phi_images=9600,
            seed=seed,
        )
    refuse("--scale", expected="a scale", got=scale, remedy=nearest(str(scale), get_args(Scale)))
