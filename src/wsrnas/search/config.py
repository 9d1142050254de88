"""Everything a search depends on, as plain values that a YAML recipe can hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from wsrnas.data import DataConfig
from wsrnas.errors import refuse
from wsrnas.estimators.noise.refine import REFINE_STEP
from wsrnas.recipes import PRESETS
from wsrnas.runtime import RuntimeConfig
from wsrnas.search.checks import at_least, one_of
from wsrnas.search.spectrum import SpectrumConfig
from wsrnas.spaces import get_space
from wsrnas.types import parse_strength, parse_strengths


@dataclass(frozen=True, kw_only=True)
class SpaceConfig:
    """The search space and the size of its super-network.

    Args:
        name: darts or nb201; stages has no super-network, so its networks are trained alone and not searched here.
        channels: channels of the first cell.
        layers: number of cells.
        stem: cifar, or imagenet for images of 100 pixels and more.
    """

    name: str = "darts"
    channels: int = 16
    layers: int = 8
    stem: str = "cifar"

    def __post_init__(self) -> None:
        get_space(self.name)
        at_least(1, **{"space.channels": self.channels, "space.layers": self.layers})


@dataclass(frozen=True, kw_only=True)
class WeightsConfig:
    """Adversarial training of the shared weights θ, one epoch of D_t per sampled architecture.

    Args:
        strength: radius of the PGD noise trained on.
        steps: PGD steps, in training and in measuring.
        images: images of D_t in one such epoch; null takes all of D_t.
        batch_size: images per batch.
        learning_rate: at the start; constant while warming up and building, then cosine to a hundredth of it.
        momentum: of SGD.
        weight_decay: of SGD.
        clip: largest gradient norm.
    """

    strength: str | float = 0.03
    steps: int = 7
    images: int | None = None
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 3e-4
    clip: float = 5.0

    def __post_init__(self) -> None:
        parse_strengths([self.strength], argument="weights.strength")
        at_least(1, **{"weights.steps": self.steps, "weights.batch_size": self.batch_size})
        if self.images is not None:
            at_least(1, **{"weights.images": self.images})

    def radius(self) -> float:
        """Return the strength as a number."""
        return parse_strength(self.strength, argument="weights.strength")


@dataclass(frozen=True, kw_only=True)
class NoiseConfig:
    """The noise estimator φ and its memory M_a.

    Args:
        estimator: rescale, weighted-average, a-ane, e-ane, e-ane-minus or plus-ane.
        settings: of that estimator, such as {weights: paper} or {hidden: 90}.
        refine: gradient steps that improve every estimate, outwards from the attacked strengths; 2 network passes per
            image, estimated strength and step. 0 leaves the estimates as φ gives them, as the paper.
        refine_step: length of such a step, as a share of the strength.
        memory: capacity of M_a in images.
        batches: B, batches of D_t attacked per iteration to fill M_a.
        passes: K_a, passes over M_a per iteration.
        largest: labels for φ are drawn from strengths up to this one.
        fidelity_every: measure fidelity on a fresh sample of D_v every so many trainings.
        fidelity_images: images in that sample.
        fidelity_bound: a strength whose fidelity stays below this share of the accuracy drop twice running is attacked
            for real from then on, with a warning; 0 never falls back, as the paper.
    """

    estimator: str = "rescale"
    settings: dict[str, int | float | str] = field(default_factory=dict)
    refine: int = 0
    refine_step: float = REFINE_STEP
    memory: int = 600
    batches: int = 10
    passes: int = 1
    largest: float = 0.15
    fidelity_every: int = 5
    fidelity_images: int = 256
    fidelity_bound: float = 0.9

    def __post_init__(self) -> None:
        at_least(1, **{"noise.memory": self.memory, "noise.batches": self.batches, "noise.passes": self.passes})
        at_least(1, **{"noise.fidelity_every": self.fidelity_every, "noise.fidelity_images": self.fidelity_images})
        at_least(0, **{"noise.refine": self.refine})
        if not 0 < self.refine_step <= 2:
            refuse("noise.refine_step", expected="a share of the strength in (0,2]", got=self.refine_step)
        if not 0 <= self.fidelity_bound <= 1:
            refuse("noise.fidelity_bound", expected="a share in [0,1]", got=self.fidelity_bound)


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """The loss estimator ψ and its memory M_v.

    Args:
        estimator: lstm (the paper's), ensemble or gaussian-process.
        settings: of that estimator, such as {hidden: 16, passes: 500}.
        memory: capacity of M_v.
        images: images of D_v on which an architecture is measured; null takes all of D_v.
        batch_size: images per batch when measuring; BatchNorm statistics are those of such a batch.
    """

    estimator: str = "gaussian-process"
    settings: dict[str, int | float | str] = field(default_factory=dict)
    memory: int = 200
    images: int | None = None
    batch_size: int = 64

    def __post_init__(self) -> None:
        one_of("loss.estimator", self.estimator, ("lstm", "ensemble", "gaussian-process"))
        at_least(1, **{"loss.memory": self.memory, "loss.batch_size": self.batch_size})


@dataclass(frozen=True, kw_only=True)
class ChooseConfig:
    """How architectures are sampled, chosen and finally named.

    Args:
        population: N, architectures that warm up the weights and fill M_v.
        design: representative (of many uniform samples, those whose labels say most about all of them) or random
            (uniform; with all-edges GumbelSoftmax(A), as the paper).
        iterations: T, search iterations after that.
        sampling: genotype (what is measured is what will be built) or all-edges (GumbelSoftmax(A), as the paper).
        method: propose (ψ names the next architecture) or gradient (A moves by the gradient of Eq. 10, as the paper).
        explore: share of the search iterations that take a uniform sample instead of a proposal.
        temperature: τ of the Gumbel softmax.
        step_size: of the update of A (Adam).
        refresh: old labels measured again per iteration, as the shared weights move.
        half_life: iterations after which a label counts half in training ψ; null never discounts.
        finalists: architectures measured again with a stronger attack before the winner is named; 1 trusts the search.
        audition: epochs of training alone, on D_t, that each of several finalists gets before it is measured again; 0
            measures them under the shared weights.
        verify_steps: steps of that attack (APGD).
    """

    population: int = 100
    design: str = "representative"
    iterations: int = 100
    sampling: str = "genotype"
    method: str = "propose"
    explore: float = 0.1
    temperature: float = 0.1
    step_size: float = 0.1
    refresh: int = 0
    half_life: float | None = None
    finalists: int = 5
    audition: int = 10
    verify_steps: int = 20

    def __post_init__(self) -> None:
        one_of("choose.design", self.design, ("representative", "random"))
        one_of("choose.sampling", self.sampling, ("genotype", "all-edges"))
        one_of("choose.method", self.method, ("propose", "gradient"))
        if self.method == "gradient" and self.sampling == "genotype":
            remedy = "set choose.sampling all-edges, or choose.method propose"
            refuse("choose.sampling", expected="all-edges with method gradient", got="genotype", remedy=remedy)
        if self.method == "propose" and self.sampling == "all-edges":
            remedy = "set choose.sampling genotype, or choose.method gradient"
            refuse("choose.sampling", expected="genotype with method propose", got="all-edges", remedy=remedy)
        if self.method == "gradient" and self.design == "representative":
            remedy = "set choose.design random, or choose.method propose"
            refuse("choose.design", expected="random with method gradient", got="representative", remedy=remedy)
        at_least(1, **{"choose.population": self.population, "choose.finalists": self.finalists})
        at_least(0, **{"choose.iterations": self.iterations, "choose.refresh": self.refresh})
        at_least(0, **{"choose.audition": self.audition})
        if not 0 <= self.explore <= 1:
            refuse("choose.explore", expected="a share in [0,1]", got=self.explore)


@dataclass(frozen=True, kw_only=True)
class CompareConfig:
    """Stand-alone training of the winner and of random architectures of the same size, for the report's curve.

    Args:
        random: how many random architectures; 0 leaves the comparison out.
        epochs: epochs of adversarial training each, from scratch, on the whole training set.
        images: test images scored; null takes all.
        steps: PGD steps of the final scoring.
    """

    random: int = 0
    epochs: int = 10
    images: int | None = None
    steps: int = 20

    def __post_init__(self) -> None:
        at_least(0, **{"compare.random": self.random})
        at_least(1, **{"compare.epochs": self.epochs, "compare.steps": self.steps})


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """A whole search.

    Args:
        recipe: where the values came from; the values themselves decide.
        preset: ours or paper, likewise.
        strategy: wsr-nas, or for comparison random, evolution, local-search, q-learning, pvll, darts or naive-gradient,
            with a budget of population + iterations architectures.
        seed: of everything random.
        train_recipe: the training recipe that `--then-train` goes on with.
    """

    recipe: str = "digits"
    preset: str = "ours"
    strategy: str = "wsr-nas"
    seed: int = 0
    train_recipe: str = "pgd7-cifar10"
    data: DataConfig = field(default_factory=lambda: DataConfig(name="digits"))
    space: SpaceConfig = field(default_factory=SpaceConfig)
    spectrum: SpectrumConfig = field(default_factory=SpectrumConfig)
    weights: WeightsConfig = field(default_factory=WeightsConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    choose: ChooseConfig = field(default_factory=ChooseConfig)
    compare: CompareConfig = field(default_factory=CompareConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)

    def __post_init__(self) -> None:
        if not get_space(self.space.name).shares_weights:
            remedy = "train its networks alone, each with `wsrnas train --arch`"
            refuse(
                "space.name", expected="a space whose architectures share weights", got=self.space.name, remedy=remedy
            )
        one_of("preset", self.preset, tuple(PRESETS))
