"""The space of whole networks: depth, width and kind of every stage, and what all layers have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, ClassVar, NoReturn

import torch

from wsrnas.errors import refuse
from wsrnas.estimators.loss.features import Features
from wsrnas.networks.cost import Cost
from wsrnas.networks.stages.blocks import KINDS
from wsrnas.networks.stages.parts import chain_cost, chain_parameters
from wsrnas.networks.stages.stages import STEMS, StageNetwork
from wsrnas.networks.stages.style import ACTIVATIONS, NORMALISATIONS, ORDERS
from wsrnas.spaces.base import Decision, NetworkConfig, SearchSpace
from wsrnas.spaces.checks import check_arch_weights
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.stages.checks import check_options, check_stages
from wsrnas.spaces.stages.draw import draw_stages
from wsrnas.spaces.stages.features import StageFeatures
from wsrnas.spaces.stages.genotype import NETWORK_FIELDS, STAGE_FIELDS, Stage, StageGenotype
from wsrnas.spaces.stages.known import KNOWN
from wsrnas.spaces.stages.parts import parts_of
from wsrnas.types import Choice, Encoding


@dataclass(frozen=True, kw_only=True)
class StageSpace(SearchSpace):
    """Residual networks of `stages` stages; widths are counted in units, the `channels` of a `NetworkConfig`.

    Rows of A: stem, activation, normalisation and its order for the network, then block, depth, width, kernel, squeeze
    (squeeze-and-excitation) and stride of every stage. The first block of a stage has its stride, 2 where the
    resolution is halved; sizes are ceilings, so an image never shrinks below one pixel. Known networks of other depths,
    widths and numbers of stages can be built but not searched.

    Source: the choices whose effect on adversarially trained networks was published: Huang et al., "Exploring
    Architectural Ingredients of Adversarially Robust Deep Neural Networks", NeurIPS 2021; Huang et al., "Revisiting
    Residual Networks for Adversarial Robustness", CVPR 2023; Peng et al., "Robust Principles", BMVC 2023.

    Raises:
        InputError: no stage, or options that are unknown, repeated or none.
    """

    name: ClassVar[str] = "stages"
    shares_weights: ClassVar[bool] = False
    stages: int = 3
    stem: tuple[str, ...] = STEMS
    activation: tuple[str, ...] = tuple(ACTIVATIONS)
    normalisation: tuple[str, ...] = NORMALISATIONS
    order: tuple[str, ...] = ORDERS
    block: tuple[str, ...] = KINDS
    depth: tuple[int, ...] = (1, 2, 3, 4, 5)
    width: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8)
    kernel: tuple[int, ...] = (3, 5)
    squeeze: tuple[bool, ...] = (False, True)
    stride: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        if self.stages < 1:
            refuse("stages", expected="at least 1", got=self.stages)
        for name in (*NETWORK_FIELDS, *STAGE_FIELDS):
            check_options(name, getattr(self, name))

    @cached_property
    def rows(self) -> tuple[tuple[int, str, tuple[Any, ...]], ...]:
        """(stage, field, options) of every row of A; stage −1 stands for the network."""
        network = [(-1, name, getattr(self, name)) for name in NETWORK_FIELDS]
        stages = [(stage, name, getattr(self, name)) for stage in range(self.stages) for name in STAGE_FIELDS]
        return tuple(network + stages)

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The rows with names for people."""
        return tuple(
            Decision(name if stage < 0 else f"stage {stage + 1} {name}", tuple(str(option) for option in options))
            for stage, name, options in self.rows
        )

    @cached_property
    def features(self) -> Features:
        """Shape and size of the stages, and the choices without an order."""
        return StageFeatures(rows=self.rows, stages=self.stages)

    @property
    def known(self) -> dict[str, Genotype]:
        """The published networks and the published rules at a size that this space holds."""
        return {name: found.genotype for name, found in KNOWN.items()}

    def sample(self, generator: torch.Generator) -> StageGenotype:
        """Draw every decision uniformly."""
        drawn = torch.rand(len(self.rows), dtype=torch.float64, generator=generator).tolist()
        return self.at(tuple(int(share * len(options)) for share, (_, _, options) in zip(drawn, self.rows)))

    def at(self, choice: Choice) -> StageGenotype:
        """Return the genotype with the given option in each row."""
        found: list[dict[str, Any]] = [{} for _ in range(1 + self.stages)]
        for place, (stage, name, options) in zip(choice, self.rows):
            found[1 + stage][name] = options[place]
        return StageGenotype(stages=tuple(Stage(**stage) for stage in found[1:]), **found[0])

    def mutate(self, genotype: Genotype, generator: torch.Generator) -> Genotype:
        """Return one of the neighbours, drawn uniformly."""
        choice = list(self.choice(genotype))
        others = [(row, place) for row, (_, _, options) in enumerate(self.rows) for place in range(len(options))]
        others = [(row, place) for row, place in others if place != choice[row]]
        row, place = others[int(torch.randint(len(others), (1,), generator=generator))]
        choice[row] = place
        return self.at(tuple(choice))

    def neighbours(self, genotype: Genotype) -> list[Genotype]:
        """Return every genotype with another option in one row."""
        return [self.at(choice) for choice in self._changes(self.choice(genotype))]

    def _changes(self, choice: Choice) -> Iterator[Choice]:
        for row, (_, _, options) in enumerate(self.rows):
            for place in range(len(options)):
                if place != choice[row]:
                    yield (*choice[:row], place, *choice[row + 1 :])

    def choice(self, genotype: Genotype) -> Choice:
        """Return the option taken in each row.

        Raises:
            InputError: another number of stages, or a value that is not among this space's options.
        """
        whole = check_stages(genotype)
        if len(whole.stages) != self.stages:
            remedy = "it can be built but not searched"
            refuse("genotype", expected=f"{self.stages} stages", got=len(whole.stages), remedy=remedy)
        found = []
        for stage, name, options in self.rows:
            value = getattr(whole if stage < 0 else whole.stages[stage], name)
            if value not in options:
                argument = "genotype" if stage < 0 else f"genotype, stage {stage + 1}"
                expected = f"{name} {', '.join(str(option) for option in options)}"
                refuse(argument, expected=expected, got=str(value), remedy="it can be built but not searched")
            found.append(options.index(value))
        return tuple(found)

    def decode(self, alpha: Encoding) -> StageGenotype:
        """Derive the genotype: in each row the option with the largest weight, the earlier of equals."""
        check_arch_weights(alpha, self.num_edges, self.num_operations)
        return self.at(tuple(alpha.detach().masked_fill(self.padding, -torch.inf).argmax(dim=1).tolist()))

    def canonical(self, genotype: Genotype) -> str:
        """Return the blocks in order: where a stage ends that goes on in the next changes nothing."""
        whole = check_stages(genotype)
        blocks = []
        for stage in whole.stages:
            one = f"{stage.block}{stage.kernel} w{stage.width}{' se' if stage.squeeze else ''}"
            blocks += [one + (" /2" if stage.stride == 2 else "")] + [one] * (stage.depth - 1)
        runs = " > ".join(f"{len(list(run))}x {block}" for block, run in groupby(blocks))
        return f"{whole.stem} {whole.activation} {whole.normalisation} {whole.order}: {runs}"

    def parse(self, text: str) -> Genotype:
        """Read the JSON of a genotype; networks of stages have no other notation."""
        if not text.lstrip().startswith("{"):
            refuse("genotype", expected="JSON with 'space' and 'stages'", got=repr(text.strip()[:60]))
        genotype = Genotype.from_json(text)
        self.check(genotype)
        return genotype

    def check(self, genotype: Genotype, *, argument: str = "genotype") -> None:
        """Refuse unknown names and impossible numbers."""
        check_stages(genotype, argument=argument)

    def supernet(self, config: NetworkConfig) -> NoReturn:
        """Refuse: networks of other widths, kernels and orders have no weights in common."""
        remedy = "its networks are trained alone (build, or wsrnas train --arch); darts and nb201 have a super-network"
        refuse("space", expected="one whose architectures share weights", got=repr(self.name), remedy=remedy)

    def build(self, genotype: Genotype, config: NetworkConfig) -> StageNetwork:
        """Build the stand-alone network of a genotype of any number of stages, depths and widths."""
        stem, blocks, head = parts_of(check_stages(genotype), config)
        return StageNetwork(stem, blocks, head, mean=config.mean, std=config.std)

    def parameters(self, genotype: Genotype, config: NetworkConfig) -> int:
        """Return how many weights the network has, without building it."""
        stem, blocks, head = parts_of(check_stages(genotype), config)
        return chain_parameters([stem, *blocks, head])

    def cost(self, genotype: Genotype, config: NetworkConfig) -> Cost:
        """Return parameters and multiply-adds of the network, without building it."""
        stem, blocks, head = parts_of(check_stages(genotype), config)
        return chain_cost([stem, *blocks, head], *config.image_shape[1:])

    def draw(self, genotype: Genotype) -> str:
        """Return the stages as one SVG."""
        return draw_stages(check_stages(genotype))
