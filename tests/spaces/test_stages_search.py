"""Strategies on the space of stages: all that measure genotypes run; those that need edges or shared weights say so."""

import math
from dataclasses import replace

import pytest
import torch
from tests.search.known_optimum import AdditiveEvaluator

from wsrnas.errors import InputError
from wsrnas.estimators.loss.gaussian_process import GaussianProcessLossEstimator
from wsrnas.estimators.loss.metrics import kendall_per_head
from wsrnas.parts import PartConfig
from wsrnas.rng import stream
from wsrnas.search.base import Budget
from wsrnas.search.build import build_strategy
from wsrnas.search.config import SearchConfig, SpaceConfig
from wsrnas.search.objective import SearchObjective
from wsrnas.search.wsr.design import representative
from wsrnas.spaces import NetworkConfig, StageSpace
from wsrnas.spaces.stages.features import StageFeatures

OBJECTIVE = SearchObjective(clean_weight=0.5, robust_weight=0.5, strength_weights=(0.2, 0.3, 0.5))
SPACE = StageSpace()


CONFIG = NetworkConfig(channels=16, layers=1, num_classes=10, image_shape=(3, 16, 16))
COSTS = {"relu": 0.05, "silu": 0.0, "gelu": 0.01, "basic": 0.0, "bottleneck": 0.03, "inverted": 0.05, "dense": 0.01}


def made_up_loss(genotype):
    """Weights help, a large share of the blocks at the end hurts, kinds differ: the form of what was published."""
    depths = [stage.depth for stage in genotype.stages]
    halvings = sum(stage.stride - 1 for stage in genotype.stages)
    loss = 2 - 0.06 * math.log2(SPACE.parameters(genotype, CONFIG)) + 0.15 * abs(depths[-1] / sum(depths) - 0.2)
    loss += COSTS[genotype.activation] + sum(COSTS[stage.block] for stage in genotype.stages)
    return loss + 0.04 * (genotype.stem == "patchify") + 0.01 * (halvings - 2) ** 2


class StageEvaluator(AdditiveEvaluator):
    """Losses at all strengths move together with the made-up one."""

    def __init__(self):
        super().__init__()
        self.space = SPACE

    def true_losses(self, architecture):
        loss = made_up_loss(SPACE.at(architecture.choice))
        return torch.tensor([0.2, 0.5, 0.8, 1.1]) + loss * torch.tensor([0.5, 1.0, 1.5, 2.0])


def run(name, queries, seed=0):
    name, budget = ("wsr-nas", queries // 2) if name == "ours" else (name, 1)
    config = PartConfig(name=name)
    budget = Budget(population=budget, iterations=queries - budget)
    strategy = build_strategy(config, StageEvaluator(), OBJECTIVE, seed, budget=budget)
    while strategy.iteration < strategy.total_iterations:
        strategy.step()
    result = strategy.result()
    assert SPACE.decode(SPACE.encode(result)) == result
    return made_up_loss(result)


@pytest.mark.parametrize("name", ["random", "evolution", "local-search"])
def test_strategies_that_name_genotypes_run_on_it(name):
    assert 0 < run(name, 8) < 2


def test_features_fit_an_additive_loss_well_enough_to_propose_by():
    """Twelve proposals after twelve first architectures find what three hundred uniform samples do not.

    This shows only that ψ's features fit additive losses of logarithms and kinds: the loss is made up, its form and
    the number of queries were chosen after seeing results, and nothing follows for trained networks.
    """
    best = min(made_up_loss(SPACE.sample(stream(0, "uniform", index))) for index in range(300))
    assert run("ours", 24) < best


def test_features_say_more_than_the_choices_themselves():
    """Rank agreement on 80 networks after 40 labels."""
    genotypes = [SPACE.sample(stream(0, "features", index)) for index in range(120)]
    encodings = torch.stack([SPACE.encode(genotype) for genotype in genotypes])
    losses = torch.tensor([[made_up_loss(genotype)] for genotype in genotypes])
    agreement = {}
    for name, paths in (("features", SPACE.features), ("choices", None)):
        process = GaussianProcessLossEstimator(num_edges=22, num_operations=7, num_losses=1, paths=paths)
        process.fit(encodings[:40], losses[:40], generator=stream(0, "fit"))
        agreement[name] = kendall_per_head(process.predict(encodings[40:]).mean, losses[40:])[0]
    assert agreement["features"] > agreement["choices"] + 0.15


@pytest.mark.parametrize("name", ["darts", "naive-gradient"])
def test_strategies_that_need_a_super_network_say_so(name):
    with pytest.raises(InputError, match=r"^evaluator: expected a super-network, got StageEvaluator; "):
        run(name, 4)


def test_q_learning_says_that_it_needs_edges():
    with pytest.raises(InputError, match=r"^space: expected cells, whose edges it walks along, got stages; take anoth"):
        run("q-learning", 4)


def test_a_one_shot_search_of_it_is_refused_before_anything_is_made():
    message = r"^space.name: expected darts or nb201, which share weights, got stages; set evaluator to trained: "
    with pytest.raises(InputError, match=message):
        SearchConfig(space=SpaceConfig(name="stages"))


def test_the_first_architectures_differ_in_size_and_kind():
    picked = representative(SPACE, 8, lambda index: stream(0, "design", index))
    assert len({SPACE.canonical(genotype) for genotype in picked}) == 8
    assert len({genotype.stem for genotype in picked}) > 1


def test_features_count_the_weights_of_the_stages_exactly():
    """log2(1 + weights) at 16 channels and stride 1, stage by stage, and of all of them."""
    features = SPACE.features
    assert isinstance(features, StageFeatures)
    for seed in range(8):
        genotype = SPACE.sample(stream(seed, "features"))
        (shape,), (choices,) = features(SPACE.encode(genotype)[None])
        depths = torch.tensor([float(stage.depth) for stage in genotype.stages], dtype=torch.float64)
        widths = torch.tensor([float(stage.width) for stage in genotype.stages], dtype=torch.float64)
        assert torch.allclose(shape[:6:2], depths.log2())
        assert torch.allclose(shape[1:6:2], widths.log2())
        assert float(shape[6]) == pytest.approx(float((1 + depths.sum()).log2()))
        weights = [2 ** float(value) - 1 for value in shape[7:10]]
        assert weights == pytest.approx(stage_weights(genotype), rel=1e-9)
        assert 2 ** float(shape[10]) - 1 == pytest.approx(sum(weights), rel=1e-9)
        assert sorted(choices.unique().tolist()) == [0.0, 1.0]
        assert choices.sum() == SPACE.num_edges - 6


def stage_weights(genotype):
    """Counted on the built blocks, with the strides taken out."""

    stages = tuple(replace(stage, stride=1) for stage in genotype.stages)
    plain = replace(genotype, stages=stages, activation="relu", normalisation="batch", order="pre")
    with torch.device("meta"):
        blocks = list(SPACE.build(plain, CONFIG).blocks)
    found, place = [], 0
    for stage in stages:
        own = blocks[place : place + stage.depth]
        found.append(sum(p.numel() for block in own for p in block.parameters()))
        place += stage.depth
    return found
