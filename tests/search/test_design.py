"""The first architectures: picked as the text of Cohn's criterion says, and better to learn from than any."""

from itertools import combinations_with_replacement

import pytest
import torch
from tests.search.known_optimum import AdditiveEvaluator

from wsrnas.errors import InputError
from wsrnas.rng import stream
from wsrnas.search.objective import SearchObjective
from wsrnas.search.wsr import design
from wsrnas.search.wsr.choose import ProposingChooser
from wsrnas.search.wsr.known import distinct_samples
from wsrnas.search.wsr.propose import ProposeSettings
from wsrnas.search.wsr.settings import WsrSettings
from wsrnas.spaces import get_space
from wsrnas.spaces.limited import LimitedSpace
from wsrnas.spaces.sized import REFERENCE


def generator_for(index):
    return stream(3, "population", index)


def variance_left(covariance, picked):
    """Mean variance of a process with these labels: mean of diag(K − K_cp (K_pp + ν)⁻¹ K_pc)."""
    noisy = covariance[picked][:, picked] + design.NOISE * torch.eye(len(picked), dtype=torch.float64)
    explained = covariance[:, picked] @ torch.linalg.solve(noisy, covariance[picked])
    return float((covariance - explained).diagonal().mean())


@pytest.mark.parametrize("name", ["nb201", "darts"])
def test_each_pick_leaves_the_least_variance_over_all_samples(name, monkeypatch):
    monkeypatch.setattr(design, "CANDIDATES", 24)
    space = get_space(name)
    samples = distinct_samples(space, 24, generator_for)
    covariance = design._covariance(space, samples)
    places = [samples.index(genotype) for genotype in design.representative(space, 5, generator_for)]
    for position, place in enumerate(places):
        others = [index for index in range(24) if index not in places[:position]]
        left = {index: variance_left(covariance, [*places[:position], index]) for index in others}
        assert left[place] == pytest.approx(min(left.values()), abs=1e-8)


def test_picks_are_distinct_reproducible_and_say_more_than_random_ones():
    space = get_space("nb201")
    picked = design.representative(space, 20, generator_for)
    assert picked == design.representative(space, 20, generator_for)
    assert len({space.canonical(genotype) for genotype in picked}) == 20
    samples = distinct_samples(space, design.CANDIDATES, generator_for)
    covariance = design._covariance(space, samples)
    random = variance_left(covariance, list(range(20)))
    assert variance_left(covariance, [samples.index(genotype) for genotype in picked]) < 0.9 * random


@pytest.mark.parametrize("name", ["nb201", "darts", "stages"])
def test_the_largest_comes_first_and_the_others_add_to_what_it_says(name, monkeypatch):
    monkeypatch.setattr(design, "CANDIDATES", 24)
    space = get_space(name)
    first, *others = design.representative(space, 5, generator_for, largest_first=True)
    size = space.parameters(first, REFERENCE)
    assert all(space.parameters(neighbour, REFERENCE) <= size for neighbour in space.neighbours(first))
    samples = distinct_samples(space, 24, generator_for)
    assert all(space.parameters(sample, REFERENCE) <= size for sample in samples)
    samples = [first, *(sample for sample in samples if space.canonical(sample) != space.canonical(first))]
    covariance = design._covariance(space, samples)
    left = {index: variance_left(covariance, [0, index]) for index in range(1, len(samples))}
    assert left[samples.index(others[0])] == pytest.approx(min(left.values()), abs=1e-8)
    assert len({space.canonical(genotype) for genotype in (first, *others)}) == 5


def test_the_largest_is_the_largest_within_the_limit():
    whole = get_space("nb201")
    choices = combinations_with_replacement(range(1, 5), 6)  # without `none`; where an operation is does not matter
    sizes = [whole.parameters(whole.at(choice), REFERENCE) for choice in choices]
    limit = max(sizes) // 2
    space = LimitedSpace(
        space=whole, excess=lambda genotype: max(0.0, whole.parameters(genotype, REFERENCE) / limit - 1)
    )
    first = design.representative(space, 3, generator_for, largest_first=True)[0]
    assert space.parameters(first, REFERENCE) == max(size for size in sizes if size <= limit)


def test_a_population_larger_than_the_usual_number_of_samples_is_drawn_from_twice_as_many(monkeypatch):
    monkeypatch.setattr(design, "CANDIDATES", 10)
    space = get_space("nb201")
    picked = design.representative(space, 30, generator_for)
    assert len({space.canonical(genotype) for genotype in picked}) == 30
    assert set(picked) <= set(distinct_samples(space, 60, generator_for))


def test_the_chooser_follows_the_design():
    evaluator = AdditiveEvaluator()
    objective = SearchObjective(clean_weight=0.5, robust_weight=0.5, strength_weights=(0.2, 0.3, 0.5))
    populations = {}
    for name in ("largest-first", "representative", "random"):
        chooser = ProposingChooser(evaluator.space, objective, 0, settings=ProposeSettings(), design=name)
        populations[name] = [architecture.choice for architecture in chooser.population(6, 0)]
    uniform = distinct_samples(evaluator.space, 6, lambda index: stream(0, "population", index))
    assert populations["random"] == [evaluator.space.choice(genotype) for genotype in uniform]
    assert populations["representative"] != populations["random"]
    assert populations["largest-first"][0] == (evaluator.space.operations.index("nor_conv_3x3"),) * 6
    assert populations["representative"][0] != populations["largest-first"][0]


def test_the_papers_way_of_choosing_refuses_a_design():
    with pytest.raises(InputError, match=r"strategy\.settings\.design random"):
        WsrSettings(method="gradient", sampling="all-edges")
    with pytest.raises(InputError, match=r"strategy\.settings\.design"):
        WsrSettings(design="uniform")


def test_the_gradient_needs_every_edge():
    with pytest.raises(InputError, match="expected all-edges with method gradient, got genotype"):
        WsrSettings(method="gradient")


def test_proposals_are_genotypes():
    with pytest.raises(InputError, match="expected genotype with method propose, got all-edges"):
        WsrSettings(sampling="all-edges")
