"""Everything a search depends on, as plain values that a YAML recipe can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wsrnas.data import DataConfig
from wsrnas.errors import at_least, one_of, refuse
from wsrnas.estimators.noise.examples import EXAMPLES
from wsrnas.estimators.noise.refine import REFINE_STEP
from wsrnas.parts import PartConfig
from wsrnas.recipes import PRESETS
from wsrnas.runtime import RuntimeConfig
from wsrnas.search.base import Budget
from wsrnas.search.build import check_strategy
from wsrnas.search.labels import EVALUATORS, LabelsConfig
from wsrnas.search.limits import LimitsConfig
from wsrnas.search.spectrum import SpectrumConfig
from wsrnas.spaces import SPACES, get_space
from wsrnas.types import format_strength, parse_strength, parse_strengths


@dataclass(frozen=True, kw_only=True)
class SpaceConfig:
    """The search space and the size of its super-network.

    Args:
        name: darts, nb201, or stages, which has no super-network and so needs `evaluator: trained`.
        channels: channels of the first cell.
        layers: number of cells.
        stem: cifar, or imagenet for images of 100 pixels and more.
    """

    name: str = "darts"
    channels: int = 16
    layers: int = 8
    stem: str = "cifar"

    def __post_init__(self) -> None:
        SPACES.kind(self.name, argument="space.name")
        get_space(self.name)
        at_least(1, **{"space.channels": self.channels, "space.layers": self.layers})


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Adversarial training of the shared weights θ, one epoch of D_t per sampled architecture.

    Args:
        strength: radius of the PGD noise trained on; null takes the middle strength of the spectrum, the lower of two.
        steps: PGD steps, in training and in measuring.
        step_ratio: length of a PGD step as a share of the strength; null takes 2.5/steps. The paper's is 2.5/20,
            whatever the steps: from the clean image seven of them reach 0.875 of the strength.
        images: images of D_t in one such epoch; null takes all of D_t.
        batch_size: images per batch.
        learning_rate: at the start; constant while warming up and building, then cosine to a hundredth of it.
        momentum: of SGD.
        weight_decay: of SGD.
        clip: largest gradient norm.
    """

    strength: str | float | None = None
    steps: int = 7
    step_ratio: float | None = None
    images: int | None = None
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 3e-4
    clip: float = 5.0

    def __post_init__(self) -> None:
        if self.strength is not None:
            parse_strengths([self.strength], argument="training.strength")
        at_least(1, **{"training.steps": self.steps, "training.batch_size": self.batch_size})
        if self.step_ratio is not None and not 0 < self.step_ratio <= 2:
            refuse("training.step_ratio", expected="a share of the strength in (0,2]", got=self.step_ratio)
        if self.images is not None:
            at_least(1, **{"training.images": self.images})

    def radius(self, strengths: tuple[float, ...]) -> float:
        """Return the strength as a number, where the spectrum has these strengths."""
        if self.strength is None:
            return strengths[(len(strengths) - 1) // 2]
        return parse_strength(self.strength, argument="training.strength")

    def step_size(self, radius: float) -> float | None:
        """Return the length of a PGD step at that strength, None for the attack's own 2.5·ε/steps."""
        return None if self.step_ratio is None else self.step_ratio * radius


@dataclass(frozen=True, kw_only=True)
class NoiseEstimatorConfig:
    """The noise estimator φ and its memory M_a.

    Args:
        name: rescale, weighted-average, a-ane, e-ane, e-ane-minus, plus-ane, or a class of your own.
        settings: of that estimator, such as {form: printed} or {hidden: 90}.
        refine: gradient steps that improve every estimate, outwards from the attacked strengths; 2 network passes per
            image, estimated strength and step. 0 leaves the estimates as φ gives them, as the paper.
        refine_step: length of such a step, as a share of the strength.
        examples: what an attacked image adds to M_a: printed (the N1 known noises, and the one at a random strength as
            the label; Eq. 4) or leave-one-out (N1+1 entries, each noise the label once).
        memory: capacity of M_a in entries.
        batches: B, random batches of D_t attacked per iteration and pushed into M_a, in at most one pass over D_t.
            Leave-one-out attacks no more than M_a can hold.
        passes: K_a, passes over M_a per iteration.
        largest: labels for φ are drawn from strengths up to this one.
        fidelity_every: measure fidelity on a fresh sample of D_v every so many trainings.
        fidelity_images: images in that sample.
        fidelity_bound: a strength whose fidelity stays below this share of the accuracy drop twice running is attacked
            for real from then on, with a warning; 0 never falls back, as the paper.
    """

    name: str = "rescale"
    settings: dict[str, Any] = field(default_factory=dict)
    refine: int = 0
    refine_step: float = REFINE_STEP
    examples: str = "leave-one-out"
    memory: int = 600
    batches: int = 10
    passes: int = 1
    largest: float = 0.15
    fidelity_every: int = 5
    fidelity_images: int = 256
    fidelity_bound: float = 0.9

    def __post_init__(self) -> None:
        positive = ("memory", "batches", "passes", "fidelity_every", "fidelity_images")
        at_least(1, **{f"noise_estimator.{name}": getattr(self, name) for name in positive})
        at_least(0, **{"noise_estimator.refine": self.refine})
        one_of("noise_estimator.examples", self.examples, EXAMPLES)
        if not 0 < self.refine_step <= 2:
            refuse("noise_estimator.refine_step", expected="a share of the strength in (0,2]", got=self.refine_step)
        if not 0 <= self.fidelity_bound <= 1:
            refuse("noise_estimator.fidelity_bound", expected="a share in [0,1]", got=self.fidelity_bound)


@dataclass(frozen=True, kw_only=True)
class MeasureConfig:
    """On what an architecture is measured.

    Args:
        images: images of D_v; null takes all of D_v.
        batch_size: images per batch; BatchNorm statistics are those of such a batch.
    """

    images: int | None = None
    batch_size: int = 64

    def __post_init__(self) -> None:
        at_least(1, **{"measure.batch_size": self.batch_size})
        if self.images is not None:
            at_least(1, **{"measure.images": self.images})


@dataclass(frozen=True, kw_only=True)
class FinalistsConfig:
    """The best architectures of the search, measured again before the winner is named.

    Args:
        count: how many; 1 trusts the search.
        epochs: each is trained alone for so many epochs of D_t first; 0 measures them under the shared weights.
        attack_steps: steps of the attack they are then measured with (APGD).
    """

    count: int = 5
    epochs: int = 10
    attack_steps: int = 20

    def __post_init__(self) -> None:
        at_least(1, **{"finalists.count": self.count, "finalists.attack_steps": self.attack_steps})
        at_least(0, **{"finalists.epochs": self.epochs})


@dataclass(frozen=True, kw_only=True)
class RivalsConfig:
    """Training alone of the winner and of random architectures of its size, for the report's curve.

    Args:
        count: how many random architectures; 0 leaves the comparison out.
        epochs: epochs of adversarial training each, from scratch, on the whole training set.
        images: test images scored; null takes all.
        attack_steps: PGD steps of the final scoring.
    """

    count: int = 0
    epochs: int = 10
    images: int | None = None
    attack_steps: int = 20

    def __post_init__(self) -> None:
        at_least(0, **{"rivals.count": self.count})
        at_least(1, **{"rivals.epochs": self.epochs, "rivals.attack_steps": self.attack_steps})


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """A whole search.

    Args:
        recipe: a shipped recipe (`wsrnas recipes` lists them) or a YAML file; a record, since the values decide.
        preset: ours or paper, likewise.
        seed: of everything random.
        strategy: wsr-nas with its settings, or for comparison random, evolution, local-search, q-learning, pvll, darts
            or naive-gradient with theirs, or a class of your own.
        budget: how many architectures it may look at.
        evaluator: what gives the labels: one_shot (weights shared by all) or trained (each candidate alone, briefly).
        limits: the largest network that it may look at or name.
        train_recipe: the training recipe that `--then-train` goes on with.
        sections: of your own, added to the report: package.module:Class, several with commas, or a list of names and of
            {name, settings}.
    """

    recipe: str = "digits"
    preset: str = "ours"
    seed: int = 0
    train_recipe: str = "pgd7-cifar10"
    evaluator: str = "one_shot"
    sections: list[str | dict[str, Any]] | str = field(default_factory=list)
    data: DataConfig = field(default_factory=lambda: DataConfig(name="digits"))
    space: SpaceConfig = field(default_factory=SpaceConfig)
    spectrum: SpectrumConfig = field(default_factory=SpectrumConfig)
    strategy: PartConfig = field(default_factory=lambda: PartConfig(name="wsr-nas"))
    budget: Budget = field(default_factory=Budget)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    labels: LabelsConfig = field(default_factory=LabelsConfig)
    noise_estimator: NoiseEstimatorConfig = field(default_factory=NoiseEstimatorConfig)
    measure: MeasureConfig = field(default_factory=MeasureConfig)
    finalists: FinalistsConfig = field(default_factory=FinalistsConfig)
    rivals: RivalsConfig = field(default_factory=RivalsConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)

    def __post_init__(self) -> None:
        one_of("evaluator", self.evaluator, EVALUATORS)
        if self.evaluator == "one_shot" and not get_space(self.space.name).shares_weights:
            sharing = " or ".join(name for name, space in SPACES.items() if space.shares_weights)
            remedy = "set evaluator to trained: its networks are trained alone"
            refuse("space.name", expected=f"{sharing}, which share weights", got=self.space.name, remedy=remedy)
        one_of("preset", self.preset, tuple(PRESETS))
        check_strategy(self.strategy)

    def trained_at(self) -> float:
        """Return the strength that networks are trained at."""
        return self.training.radius(self.spectrum.all_strengths())

    def notes(self) -> list[str]:
        """Return what a user should know before the search starts, each in a sentence."""
        strengths, trained = self.spectrum.all_strengths(), self.trained_at()
        first, last = format_strength(strengths[0]), format_strength(strengths[-1])
        if strengths[0] <= trained <= strengths[-1]:
            return []
        word = "stronger" if trained > strengths[-1] else "weaker"
        return [
            f"trained at {format_strength(trained)}, {word} than the spectrum ({first} to {last}); "
            "--training.strength null trains at its middle"
        ]
