"""Labels by short trainings alone: what they depend on, how the rate anneals, what they cost, and a whole search."""

import json

import pytest
import torch
from torch import nn

from wsrnas.attacks import PGD
from wsrnas.cli import main
from wsrnas.data import DataConfig, load_data
from wsrnas.errors import InputError
from wsrnas.files import read_json
from wsrnas.parts import PartConfig
from wsrnas.rng import stream
from wsrnas.runtime import Runtime, RuntimeConfig
from wsrnas.search.base import Budget, Calls
from wsrnas.search.build import build_strategy
from wsrnas.search.config import FinalistsConfig, MeasureConfig, SearchConfig, SpaceConfig, TrainingConfig
from wsrnas.search.costs import MEASURING, TRAINING, VERIFICATION, passes_of_trainings
from wsrnas.search.evaluators import short_training
from wsrnas.search.evaluators.scoring import score, score_draws
from wsrnas.search.evaluators.short_training import train_short
from wsrnas.search.evaluators.trained import Trained
from wsrnas.search.labels import LabelsConfig
from wsrnas.search.plan import phases
from wsrnas.search.spectrum import SpectrumConfig
from wsrnas.spaces import get_space

CPU = Runtime(RuntimeConfig(device="cpu"))
DRAWS = score_draws(0, CPU)


def config(strategy="random", **changes):
    values = {
        "evaluator": "trained",
        "data": DataConfig(name="digits", train_limit=70, valid_limit=48, test_limit=40),
        "space": SpaceConfig(name="nb201", channels=2, layers=1),
        "spectrum": SpectrumConfig(strengths=[0.1, 0.2]),
        "training": TrainingConfig(steps=1, batch_size=32, strength=0.1),
        "labels": LabelsConfig(epochs=1),
        "measure": MeasureConfig(images=40, batch_size=16),
        "finalists": FinalistsConfig(count=2, epochs=0, attack_steps=2),
        "budget": Budget(population=2, iterations=2),
        "strategy": PartConfig(name=strategy),
        "runtime": RuntimeConfig(device="cpu"),
    }
    return SearchConfig(**{**values, **changes})


def evaluator(one):
    return Trained(one, load_data(one.data, one.seed), CPU)


def some(space, count):
    return [space.architecture(space.sample(stream(0, "trained", index))) for index in range(count)]


def test_a_label_depends_on_the_seed_and_the_architecture_alone():
    """Not on what was measured before: the same in another order, and another with another seed."""
    first, second = evaluator(config()), evaluator(config())
    one, other = some(first.space, 2)
    found = [first.measure(one), first.measure(other)]
    assert torch.equal(second.measure(other), found[1])
    assert torch.equal(second.measure(one), found[0])
    assert not torch.equal(evaluator(config(seed=1)).measure(one), found[0])


def test_architectures_of_one_function_share_a_label_and_the_second_is_free():
    """In NAS-Bench-201 an edge into a node that nothing leaves changes nothing."""
    trained = evaluator(config())
    space = trained.space
    dead = [
        space.parse(f"|nor_conv_3x3~0|+|{edge}~0|none~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|")
        for edge in ("skip_connect", "avg_pool_3x3")
    ]
    assert space.canonical(dead[0]) == space.canonical(dead[1])
    label = trained.measure(space.architecture(dead[0]))
    cost = trained.cost
    assert torch.equal(trained.measure(space.architecture(dead[1])), label)
    assert trained.cost == cost > 0


def test_two_seeds_make_a_label_of_their_mean():
    once, twice = evaluator(config()), evaluator(config(labels=LabelsConfig(epochs=1, seeds=2)))
    (one,) = some(once.space, 1)
    genotype = once.space.decode(one.encoding)
    assert torch.allclose(twice.measure(one), (once.label(genotype, 0) + once.label(genotype, 1)) / 2)
    assert twice.cost == once.cost


def test_the_rate_rises_to_its_highest_and_has_fallen_to_nothing_at_the_end(monkeypatch):
    rates = []

    def record(network, optimizer, loss, batches, *, learning_rate, **rest):
        rates.extend(learning_rate(step) for step, _ in enumerate(batches))

    monkeypatch.setattr(short_training, "train_epoch", record)
    trained = evaluator(config(labels=LabelsConfig(epochs=8, learning_rate=0.4, warmup=0.25)))
    trained.network(trained.space.sample(stream(0, "rate")))
    assert len(rates) == 8 * 2
    peak = rates.index(max(rates))
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert 3 <= peak <= 4
    assert 0.35 < max(rates) <= 0.4
    assert rates[-1] < 0.02


def test_a_short_training_teaches_a_network_to_resist():
    """Digits, after three epochs: more right under attack than right by chance, and than before."""
    one = config(
        data=DataConfig(name="digits"), training=TrainingConfig(steps=1, batch_size=32, strength=0.05),
        labels=LabelsConfig(epochs=3), space=SpaceConfig(name="nb201", channels=4, layers=1),
    )  # fmt: skip
    trained = evaluator(one)
    text = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
    network = trained.network(trained.space.parse(text))
    found = score(
        network,
        trained.data.valid,
        (0.05,),
        PGD(eps=0.05, steps=3),
        images=200,
        runtime=CPU,
        generator_for=DRAWS,
    )
    assert float(found.right[:, 1].float().mean()) > 0.3


BLIND = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


def test_a_cell_without_a_way_through_it_has_a_label_like_any_other():
    """Nothing can be attacked: the loss is the same at all strengths, that of a guess, and it is no error."""
    trained = evaluator(config(labels=LabelsConfig(epochs=2)))
    blind = trained.space.architecture(trained.space.parse(BLIND))
    label = trained.measure(blind)
    assert torch.allclose(label, label[:1].expand_as(label))
    assert 2.2 < float(label[0]) < 3.0
    (verified,) = trained.verify([blind])
    assert torch.equal(verified, label)


class Brightness(nn.Module):
    """Two classes by the mean pixel: an attack of radius ε moves the logit by 2ε, no more and no less."""

    def forward(self, images):
        value = images.mean(dim=(1, 2, 3)) - 0.5
        return torch.stack([-value, value], dim=1)


class Grey:
    """Images of one grey each, labelled by a threshold."""

    def __init__(self, greys):
        self.images = torch.tensor(greys)[:, None, None, None].expand(-1, 1, 2, 2).clone()
        self.labels = (torch.tensor(greys) > 0.5).long()

    def __len__(self):
        return len(self.labels)

    def batches(self, size, device):
        return ((self.images[at : at + size], self.labels[at : at + size]) for at in range(0, len(self), size))


def test_scores_are_exact_where_the_attack_is(monkeypatch):
    """An image resists as long as its grey is farther from the threshold than the strength; batches change nothing."""
    from wsrnas.data import Split

    Split.register(Grey)
    greys = [0.3, 0.42, 0.49, 0.53, 0.58, 0.9]
    strengths = (0.05, 0.1)
    for batch in (2, 4, 6):
        found = score(
            Brightness(),
            Grey(greys),
            strengths,
            PGD(eps=0.1, steps=5),
            batch_size=batch,
            runtime=CPU,
            generator_for=DRAWS,
        )
        resists = [[abs(grey - 0.5) > strength for strength in (0.0, *strengths)] for grey in greys]
        assert found.right.tolist() == resists
        assert found.wide == pytest.approx(sum(sum(row[1:]) for row in resists) / 12)
    limited = score(
        Brightness(),
        Grey(greys),
        strengths,
        PGD(eps=0.1, steps=5),
        images=3,
        runtime=CPU,
        generator_for=DRAWS,
    )
    assert limited.right.tolist() == resists[:3]


@pytest.mark.parametrize("name", ["random", "evolution", "local-search", "wsr-nas", "q-learning", "pvll"])
def test_every_strategy_that_names_genotypes_is_charged_what_the_plan_foresees(name):
    one = config(strategy=name)
    trained = evaluator(one)
    strategy = build_strategy(one.strategy, trained, one.spectrum.objective(), 0, budget=one.budget)
    while strategy.iteration < strategy.total_iterations:
        strategy.step()
    space = trained.space
    trained.verify([space.architecture(genotype) for genotype in strategy.finalists(one.finalists.count)])
    assert trained.spent == phases(one, trained.data, strategy, trained)
    assert set(trained.spent) == {TRAINING, MEASURING, VERIFICATION}


@pytest.mark.parametrize("name", ["darts", "naive-gradient"])
def test_strategies_that_need_a_super_network_say_so(name):
    one = config(strategy=name)
    with pytest.raises(InputError, match=r"^evaluator: expected a super-network, got Trained; "):
        build_strategy(one.strategy, evaluator(one), one.spectrum.objective(), 0, budget=one.budget)


def test_more_epochs_and_seeds_cost_more_by_as_much():
    def passes(labels):
        one = config(labels=labels)
        return passes_of_trainings(one, load_data(one.data, one.seed), Calls(warm_up=3, measure=4, remeasure=2))

    once, more = passes(LabelsConfig(epochs=1)), passes(LabelsConfig(epochs=3, seeds=2))
    assert more[TRAINING] == 6 * once[TRAINING]
    assert more[MEASURING] == 2 * once[MEASURING]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "labels.epochs: expected at least 1"),
        ({"seeds": 0}, "labels.seeds: expected at least 1"),
        ({"learning_rate": 0.0}, "labels.learning_rate: expected a learning rate > 0, got 0"),
        ({"warmup": 1.0}, r"labels.warmup: expected a share of the training in \[0,1\), got 1"),
    ],
)
def test_impossible_trainings_are_refused(settings, message):
    with pytest.raises(InputError, match=f"^{message}"):
        LabelsConfig(**settings)


def test_an_unknown_evaluator_is_refused():
    with pytest.raises(InputError, match=r"^evaluator: expected one of one_shot, trained, got alone"):
        config(evaluator="alone")


SEARCH = [
    *("--evaluator=trained", "--space.name=stages", "--space.channels=2", "--labels.epochs=1", "--training.steps=1"),
    *("--data.train_limit=64", "--data.valid_limit=48", "--data.test_limit=40", "--training.batch_size=32"),
    *("--spectrum.strengths=0.05,0.1", "--measure.images=32", "--measure.batch_size=32", "--budget.population=2"),
    *("--budget.iterations=1", "--finalists.count=2", "--finalists.epochs=1", "--finalists.attack_steps=2"),
    "--rivals.count=0",
]


def test_the_space_of_stages_is_searched_from_settings_to_report(tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["search", "--recipe=digits", f"--out={out}", *SEARCH]) == 0
    result = read_json(out / "result.json")
    assert result["space"] == "stages"
    assert result["verified_by"] == "training alone"
    assert json.loads((out / "genotype.json").read_text())["space"] == "stages"
    page = (out / "report.html").read_text()
    assert "super-network" not in page.lower()
    assert "shared weights" not in page.lower()
    assert "one-shot" not in capsys.readouterr().out


@pytest.mark.usefixtures("timed_for_a_moment")
def test_its_dry_run_speaks_of_trainings_and_writes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["search", "--recipe=digits", "--dry-run", *SEARCH]) == 0
    told = capsys.readouterr().out
    assert "3 candidates of stages, 2 channels, each trained alone for 1 epochs" in told
    assert "super-network" not in told
    assert not list(tmp_path.iterdir())


def test_train_short_leaves_the_global_generator_alone():
    trained = evaluator(config())
    state = torch.get_rng_state()
    network = get_space("nb201").build(
        trained.space.sample(stream(0, "draws")), short_training_sizes(trained)
    )  # draws its weights globally
    torch.set_rng_state(state)
    train_short(
        network,
        trained.data.train,
        trained.settings,
        augment=trained.data.augment,
        runtime=CPU,
        seed=0,
    )
    assert torch.equal(torch.get_rng_state(), state)


def short_training_sizes(trained):
    from wsrnas.search.setup import network_config

    return network_config(trained.config, trained.data)
