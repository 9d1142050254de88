from collections import Counter
from dataclasses import replace
from itertools import product

import pytest

from wsrnas.errors import InputError
from wsrnas.rng import stream
from wsrnas.spaces import DartsSpace, NasBench201Space, NetworkConfig, StageSpace, sampling
from wsrnas.spaces.sampling import parameter_count, sized_samples

CONFIG = NetworkConfig(channels=4, layers=3, num_classes=10, image_shape=(3, 16, 16))
SMALL = StageSpace(
    stages=2, normalisation=("batch",), order=("pre",), block=("basic",), depth=(1, 2), width=(1, 2, 3),
    kernel=(3,), squeeze=(False,), stride=(1,), stem=("plain",),
)  # fmt: skip


def draw(space, parameters, *, count=6, tolerance=0.05, seed=0, **settings):
    return sized_samples(
        space,
        CONFIG,
        parameters,
        count=count,
        tolerance=tolerance,
        generator_for=lambda index: stream(seed, "sized", index),
        **settings,
    )


def middle(space, place=0.5, draws=101):
    sizes = sorted(space.parameters(space.sample(stream(1, "size", i)), CONFIG) for i in range(draws))
    return sizes[int(place * (draws - 1))]


@pytest.mark.parametrize("space", [StageSpace(), DartsSpace(), NasBench201Space()], ids=lambda space: space.name)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_samples_are_distinct_reproducible_and_of_the_size(space, place):
    wanted = middle(space, place)
    found = draw(space, wanted)
    assert len({space.canonical(genotype) for genotype in found}) == 6
    assert all(abs(space.parameters(genotype, CONFIG) / wanted - 1) <= 0.05 for genotype in found)
    assert found == draw(space, wanted)
    assert found != draw(space, wanted, seed=1)


def test_what_was_seen_is_not_returned():
    space = StageSpace()
    wanted = middle(space)
    first = draw(space, wanted)
    again = draw(space, wanted, seen={space.canonical(genotype) for genotype in first})
    assert not {space.canonical(g) for g in first} & {space.canonical(g) for g in again}


def test_another_condition_is_kept_by_draws_and_walks(monkeypatch):
    """At one size, fewer than the median of multiply-adds."""
    space = StageSpace()
    wanted = middle(space)
    costs = sorted(space.cost(genotype, CONFIG).multiply_adds for genotype in draw(space, wanted, count=15))

    def cheap(genotype):
        return space.cost(genotype, CONFIG).multiply_adds < costs[7]

    assert costs[-1] > 3 * costs[0]
    assert all(map(cheap, draw(space, wanted, accept=cheap)))
    monkeypatch.setattr(sampling, "TRIES", 1)
    assert all(map(cheap, draw(space, wanted, count=3, accept=cheap)))


@pytest.mark.parametrize("tries", [200, 1])
def test_every_architecture_of_the_size_is_as_likely_drawn_or_walked_to(tries, monkeypatch):
    """Against the enumeration of a small space; with a single try nearly all are reached by a walk."""
    monkeypatch.setattr(sampling, "TRIES", tries)
    monkeypatch.setattr(sampling, "MIXING", 15)
    everyone = [SMALL.at(choice) for choice in product(*(range(len(d.options)) for d in SMALL.decisions))]
    wanted = middle(SMALL)
    inside = {g for g in everyone if abs(parameter_count(SMALL, g, CONFIG) / wanted - 1) <= 0.05}
    draws = 12 * len(inside)
    counts = Counter(draw(SMALL, wanted, count=1, seed=seed)[0] for seed in range(draws))
    assert set(counts) == inside
    expected = draws / len(inside)
    chi_squared = sum((counts[g] - expected) ** 2 / expected for g in inside)
    degrees = len(inside) - 1
    assert chi_squared < degrees + 4 * (2 * degrees) ** 0.5


def test_a_size_the_space_does_not_have_is_refused_with_the_nearest(monkeypatch):
    monkeypatch.setattr(sampling, "STEPS", 200)
    message = (
        r"^parameters: expected a size that 1 architectures of stages have at 4 channels, got 90,000,000 ± 5.0%; "
        r"0 were found, and another of [\d,]+$"
    )
    with pytest.raises(InputError, match=message):
        draw(StageSpace(), 90_000_000, count=1)
    few = replace(SMALL, depth=(1,), width=(1,))
    with pytest.raises(InputError, match=r"; \d+ were found, and another of [\d,]+$"):
        draw(few, few.parameters(few.sample(stream(0, "few")), CONFIG), count=50)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"parameters": 0}, r"^parameters: expected at least 1, got 0$"),
        ({"parameters": 1000, "tolerance": 1.5}, r"^tolerance: expected a share in \[0,1\) such as 0.05, got 1.5$"),
    ],
)
def test_numbers_out_of_range_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        draw(StageSpace(), **settings)


def test_no_architecture_is_wanted_and_none_returned():
    assert draw(StageSpace(), 1000, count=0) == []
