"""A limit of size holds for all that a strategy may get from a space; a report says what part of a gain is size."""

import itertools
import math

import pytest
import torch
from tests.contracts import concrete
from tests.search.known_optimum import AdditiveEvaluator

from wsrnas.errors import InputError
from wsrnas.parts import PartConfig
from wsrnas.rng import stream
from wsrnas.search.base import Budget, Strategy
from wsrnas.search.build import build_strategy
from wsrnas.search.limits import LimitsConfig, limited_space, smallest
from wsrnas.search.objective import SearchObjective
from wsrnas.search.size_share import size_sentence, size_share
from wsrnas.search.strategies.pvll import Pvll
from wsrnas.search.wsr.wsr_nas import WsrNas
from wsrnas.spaces import DartsSpace, NetworkConfig, get_space
from wsrnas.types import parse_count

SPACE = get_space("nb201")
SIZES = NetworkConfig(channels=4, layers=3, num_classes=3, image_shape=(1, 8, 8))
OBJECTIVE = SearchObjective(clean_weight=0.5, robust_weight=0.5, strength_weights=(0.2, 0.3, 0.5))
ALL = {choice: SPACE.parameters(SPACE.at(choice), SIZES) for choice in itertools.product((0, 1, 3), repeat=6)}
LIMIT = sorted(ALL.values())[len(ALL) // 2]


class Mixing(AdditiveEvaluator):
    """On the part of the space that keeps the limit; notes what it is asked for."""

    def __init__(self):
        super().__init__()
        self.space = limited_space(SPACE, LimitsConfig(params=LIMIT), SIZES)
        self.asked = []

    def warm_up(self, architecture):
        self.asked.append(architecture.choice)
        super().warm_up(architecture)

    def true_losses(self, architecture):
        self.asked.append(architecture.choice)
        return super().true_losses(architecture)

    def mixture_losses(self, arch_weights, batch, *, robust):
        losses = torch.tensor([0.2, 0.5, 0.8, 1.1]) + (arch_weights * self.costs).sum()
        return losses if robust else losses[:1]


@pytest.mark.parametrize(
    ("kind", "method"),
    [*((kind, "propose") for kind in concrete(Strategy)), (WsrNas, "gradient")],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_every_strategy_keeps_the_limit_in_all_it_asks_for_and_names(kind, method):
    paper = {"method": "gradient", "sampling": "all-edges", "design": "random"} if method == "gradient" else {}
    settings = {Pvll: {"passes": 2}, WsrNas: {"restarts": 1, **paper}}.get(kind, {})
    evaluator = Mixing()
    config = PartConfig(name=f"{kind.__module__}:{kind.__name__}", settings=settings)
    strategy = build_strategy(config, evaluator, OBJECTIVE, 0, budget=Budget(population=3, iterations=3))
    while strategy.iteration < strategy.total_iterations:
        strategy.step()
    asked = [SPACE.at(choice) for choice in evaluator.asked]
    assert asked
    assert all(SPACE.parameters(one, SIZES) <= LIMIT for one in [*asked, *strategy.finalists(3), strategy.result()])


def test_samples_neighbours_and_mutations_keep_it_and_samples_are_uniform():
    space = limited_space(SPACE, LimitsConfig(params=LIMIT), SIZES)
    for index in range(20):
        one = space.sample(stream(index))
        assert SPACE.parameters(one, SIZES) <= LIMIT
        near = space.neighbours(one)
        assert set(near) == {g for g in SPACE.neighbours(one) if SPACE.parameters(g, SIZES) <= LIMIT}
        assert SPACE.parameters(space.mutate(one, stream(index, "m")), SIZES) <= LIMIT


def test_the_decoded_genotype_is_the_heaviest_within_the_limit_or_near():
    space = limited_space(SPACE, LimitsConfig(params=LIMIT), SIZES)
    for seed in range(5):
        alpha = torch.rand(6, 5, generator=stream(seed))
        found = space.decode(alpha)
        assert SPACE.parameters(found, SIZES) <= LIMIT
        weights = {choice: sum(float(alpha[row, k]) for row, k in enumerate(choice)) for choice in ALL}
        best = max(weight for choice, weight in weights.items() if ALL[choice] <= LIMIT)
        mine = sum(float(alpha[row, k]) for row, k in enumerate(SPACE.choice(found)))
        assert mine >= best - 0.5
        loose = limited_space(SPACE, LimitsConfig(params=10**9), SIZES)
        assert loose.decode(alpha) == SPACE.decode(alpha)


def test_the_smallest_network_is_found():
    assert smallest(SPACE, SIZES, "params") == min(ALL.values())
    tiny = DartsSpace(nodes=1, operations=("none", "max_pool_3x3", "sep_conv_3x3"))
    everyone = {
        tiny.parameters(tiny.decode(tiny.one_hot(choice)), SIZES) for choice in itertools.product((1, 2), repeat=4)
    }
    assert smallest(tiny, SIZES, "params") == min(everyone)


def test_a_limit_below_the_smallest_network_names_its_size():
    least = min(ALL.values())
    with pytest.raises(InputError, match=rf"limits.params: expected at least {least:,}, got {least - 1:,}"):
        limited_space(SPACE, LimitsConfig(params=least - 1), SIZES)
    assert limited_space(SPACE, LimitsConfig(), SIZES) is SPACE
    one = limited_space(SPACE, LimitsConfig(params=least), SIZES).sample(stream(0))
    assert SPACE.parameters(one, SIZES) == least


@pytest.mark.long
def test_multiply_adds_are_limited_too():
    least = smallest(SPACE, SIZES, "multiply_adds")
    space = limited_space(SPACE, LimitsConfig(multiply_adds=2 * least), SIZES)
    assert all(SPACE.cost(space.sample(stream(i)), SIZES).multiply_adds <= 2 * least for i in range(3))


@pytest.mark.parametrize(
    ("text", "number"), [("20k", 20_000), ("1.5M", 1_500_000), ("2_000", 2000), (7, 7), ("1G", 10**9)]
)
def test_counts_are_read_as_people_write_them(text, number):
    assert parse_count(text, argument="x") == number


@pytest.mark.parametrize("text", ["", "0", "-3", "1.5", "20kk", "k", "nan", "1e400", True, 0, -2])
def test_what_is_no_count_is_refused(text):
    with pytest.raises(InputError, match=r"^limits\.params: expected a whole number"):
        LimitsConfig(params=text)


def test_the_share_of_size_is_all_of_it_where_labels_follow_size_and_none_where_they_do_not():
    choices = [SPACE.choice(SPACE.sample(stream(i))) for i in range(30)]
    counts = {choice: SPACE.parameters(SPACE.at(choice), SIZES) for choice in choices}
    by_size = [{"architecture": list(c), "losses": [5 - 0.1 * math.log2(counts[c])] * 4} for c in choices]
    largest = SPACE.at(max(choices, key=counts.__getitem__))
    found = size_share(by_size, SPACE, SIZES, OBJECTIVE, largest)
    assert found["kendall"] == pytest.approx(1.0)
    assert found["gain_by_size"] == pytest.approx(found["gain"], rel=1e-4)
    assert "100%" in size_sentence(found)
    alike = [{"architecture": list(c), "losses": [1.0] * 4} for c in choices]
    assert size_share(alike, SPACE, SIZES, OBJECTIVE, largest)["gain_by_size"] == pytest.approx(0, abs=1e-6)
    assert size_share(by_size[:3], SPACE, SIZES, OBJECTIVE, largest) is None
