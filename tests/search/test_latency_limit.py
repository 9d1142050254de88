"""A limit of latency: kept by every strategy, decided from what was written down, timed once. The clock is made up."""

import hashlib
import json

import pytest
import torch
from tests.contracts import concrete
from tests.search.known_optimum import AdditiveEvaluator

from wsrnas.errors import InputError
from wsrnas.parts import PartConfig
from wsrnas.rng import stream
from wsrnas.search.base import Budget, Strategy
from wsrnas.search.build import build_strategy
from wsrnas.search.latency import AGAIN, FILE, SAMPLES, Latencies, latency_sentence
from wsrnas.search.limits import LimitsConfig, limited_space
from wsrnas.search.objective import SearchObjective
from wsrnas.search.strategies.pvll import Pvll
from wsrnas.search.wsr.wsr_nas import WsrNas
from wsrnas.spaces import NetworkConfig, get_space

SPACE = get_space("nb201")
SIZES = NetworkConfig(channels=4, layers=3, num_classes=3, image_shape=(1, 8, 8))
OBJECTIVE = SearchObjective(clean_weight=0.5, robust_weight=0.5, strength_weights=(0.2, 0.3, 0.5))
COSTS = torch.tensor([0.0, 0.1, 1.0, 1.6, 0.7])
LIMIT = 4.0


def milliseconds(genotype):
    """What the made-up machine takes: a sum over the edges, up to 2 % off in a way that belongs to the architecture."""
    off = int(hashlib.sha256(genotype.id.encode()).hexdigest()[:4], 16) / 65535 - 0.5
    return (1.0 + float((SPACE.encode(genotype) @ COSTS).sum())) * (1 + 0.04 * off)


FASTEST = milliseconds(SPACE.at((0,) * 6))


@pytest.fixture(autouse=True)
def timed(monkeypatch):
    asked = []

    def clock(self, genotype):
        asked.append(genotype.id)
        return milliseconds(genotype)

    monkeypatch.setattr(Latencies, "_timed", clock)
    return asked


class Within(AdditiveEvaluator):
    """On the part of the space that keeps the limit; notes what it is asked for."""

    def __init__(self):
        super().__init__()
        self.space = limited_space(SPACE, LimitsConfig(latency_ms=LIMIT), SIZES)
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


@pytest.mark.parametrize("kind", concrete(Strategy), ids=lambda kind: kind.name)
def test_every_strategy_keeps_it_in_all_it_asks_for_and_names(kind, timed):
    settings = {Pvll: {"passes": 2}, WsrNas: {"restarts": 1}}.get(kind, {})
    evaluator = Within()
    config = PartConfig(name=f"{kind.__module__}:{kind.__name__}", settings=settings)
    strategy = build_strategy(config, evaluator, OBJECTIVE, 0, budget=Budget(population=3, iterations=3))
    while strategy.iteration < strategy.total_iterations:
        strategy.step()
    asked = [SPACE.at(choice) for choice in evaluator.asked]
    assert asked
    assert all(milliseconds(one) <= LIMIT for one in [*asked, *strategy.finalists(3), strategy.result()])
    assert len(timed) == len(set(timed)) + AGAIN


def test_what_is_clearly_on_one_side_is_not_timed_and_decided_as_timing_would(timed):
    latencies = Latencies(SPACE, SIZES)
    latencies.sampled()
    assert len(timed) == SAMPLES + AGAIN
    others = [SPACE.sample(stream(index, "other")) for index in range(200)]
    over = [latencies.excess(one, LIMIT) > 0 for one in others]
    assert over == [milliseconds(one) > LIMIT for one in others]
    assert 0 < len(timed) - SAMPLES - AGAIN < 100
    assert latencies.repeats == 0
    assert latencies.margin == 0.1


def test_a_search_that_goes_on_decides_by_what_was_written_down(tmp_path, monkeypatch):
    first = Latencies(SPACE, SIZES)
    first.sampled()
    first.keep(tmp_path)
    others = [SPACE.sample(stream(index, "more")) for index in range(60)]
    decided = [first.excess(one, LIMIT) for one in others]
    with (tmp_path / FILE).open("a") as file:
        file.write('{"genotype": "cut o')
    again = Latencies(SPACE, SIZES)
    again.read(tmp_path)
    assert (again.known, again.again) == (first.known, first.again)
    monkeypatch.setattr(Latencies, "_timed", lambda self, genotype: pytest.fail("timed again"))
    assert [again.excess(one, LIMIT) for one in others] == decided
    again.keep(tmp_path)
    assert [json.loads(line)["genotype"] for line in (tmp_path / FILE).read_text().splitlines()[: len(first.known)]]


def test_a_limit_that_no_network_keeps_names_the_fastest():
    with pytest.raises(
        InputError, match=rf"limits.latency_ms: expected at least {FASTEST:.3g}, got 0.5; no network of nb201 was"
    ):
        limited_space(SPACE, LimitsConfig(latency_ms=0.5), SIZES)


def test_finalists_that_turn_out_over_it_are_dropped_and_the_report_says_how_sure_it_is():
    latencies = Latencies(SPACE, SIZES)
    order = sorted((SPACE.sample(stream(index, "some")) for index in range(20)), key=milliseconds)
    most = milliseconds(order[4])
    assert set(latencies.kept(order, most)) == set(order[:5])
    assert latencies.kept(order[5:], most) == [order[5]]
    said = latency_sentence(latencies.said(order[0], most))
    assert "a second timing differed by 0%" in said
    assert "over the limit" not in said
    assert "over the limit" in latency_sentence(latencies.said(order[9], most))


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_latency_is_refused(value):
    with pytest.raises(InputError, match=r"limits.latency_ms: expected milliseconds above 0, got"):
        LimitsConfig(latency_ms=value)
    with pytest.raises(InputError, match=r"limits.latency_batch: expected at least 1, got 0"):
        LimitsConfig(latency_ms=1.0, latency_batch=0)


@pytest.mark.parametrize("text", ["{}", "no", '{"genotype": "x", "milliseconds": -1, "again": false}', "[1]"])
def test_a_damaged_file_is_named_with_its_line(text, tmp_path):
    (tmp_path / FILE).write_text(text + "\n")
    with pytest.raises(InputError, match=r"latency\.jsonl: line 1: expected the fields genotype, milliseconds, again"):
        Latencies(SPACE, SIZES).read(tmp_path)
