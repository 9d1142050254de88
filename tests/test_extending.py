"""docs/extending.md, tried: its files make a package outside ours, and its commands are run as they stand."""

import os
import re
import shlex
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file
from tests.search.known_optimum import AdditiveEvaluator
from tests.search.made_run import make_metrics, make_run
from tests.traces import ROOT
from torch import nn

from wsrnas.attacks import Attack
from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.estimators.loss import LOSS_ESTIMATORS, LossEstimator
from wsrnas.estimators.noise import NOISE_ESTIMATORS, NoiseEstimator, noise_estimator
from wsrnas.models.network import GenotypeNetwork, write_network
from wsrnas.parts import PartConfig, Parts, imported
from wsrnas.rng import stream
from wsrnas.search.base import Strategy
from wsrnas.search.config import SpaceConfig
from wsrnas.search.objective import SearchObjective
from wsrnas.search.report.page import write_search_report
from wsrnas.search.report.sections import SECTIONS, Section
from wsrnas.spaces import SPACES, NetworkConfig, SearchSpace, get_space
from wsrnas.training.losses import TrainingLoss

PAGE = (ROOT / "docs" / "extending.md").read_text()
FILES = dict(re.findall(r'```python title="(mine/\w+\.py)"\n(.*?)```', PAGE, re.DOTALL))
COMMANDS = re.findall(r"^wsrnas (.*)$", PAGE, re.MULTILINE)
CONTRACTS = {
    "mine.attacks:Corners": (Attack, "tests/attacks/test_attack_contract.py"),
    "mine.losses:Smoothed": (TrainingLoss, "tests/training/test_losses.py"),
    "mine.noise:Power": (NoiseEstimator, "tests/estimators/noise/test_contract.py"),
    "mine.psi:Ridge": (LossEstimator, "tests/estimators/loss/test_contract.py"),
    "mine.spaces:Plain": (SearchSpace, "tests/spaces/test_space_contract.py"),
    "mine.strategies:Nearby": (Strategy, "tests/search/test_strategy_contract.py"),
    "mine.sections:Leaders": (Section, "tests/search/test_section_contract.py"),
}
SMALL = {
    "search": """--data.train_limit=96 --data.valid_limit=64 --data.test_limit=40 --space.channels=2 --space.layers=3
        --spectrum.strengths=0.05,0.1,0.15 --training.images=64 --training.batch_size=32 --training.steps=1
        --measure.images=32 --measure.batch_size=32 --noise_estimator.fidelity_every=2
        --noise_estimator.fidelity_images=32 --budget.population=2 --budget.iterations=1 --finalists.count=1
        --finalists.attack_steps=1 --rivals.count=0""",
    "train": """--epochs=1 --data.train_limit=96 --data.test_limit=40 --network.channels=4 --network.layers=3
        --selection.steps=1""",
    "evaluate": "--limit=20 --device=cpu",
    "report": "",
}
"""Added to each command, which is about what it does and not about how long."""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The folder in which the page's files lie, installed as far as Python can tell."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "mine").mkdir()
    (folder / "mine" / "__init__.py").touch()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def mine(package, tmp_path, monkeypatch):
    """That package, importable, in a folder with a trained run of 1×8×8 digits."""
    monkeypatch.syspath_prepend(package)
    monkeypatch.chdir(tmp_path)
    size = NetworkConfig(channels=2, layers=1, num_classes=10, image_shape=(1, 8, 8))
    network = GenotypeNetwork(genotype=get_space("nb201").sample(stream(0, "run")), config=size)
    (tmp_path / "runs" / "b").mkdir(parents=True)
    write_network(tmp_path / "runs" / "b", network)
    save_file(network.initialise(0).state_dict(), tmp_path / "runs" / "b" / "model.safetensors")
    yield package
    forget()


def forget():
    for name in [name for name in sys.modules if name.split(".")[0] == "mine"]:
        del sys.modules[name]


def made(path):
    return imported(path, argument="the page")


def run(command):
    arguments = shlex.split(command)
    small = SMALL[arguments[0]].split()
    if "--data.name=digits" not in arguments and arguments[0] == "evaluate":
        small.append("--data.name=digits")
    return main([*arguments, *small])


def test_the_page_has_a_file_and_a_command_for_every_part():
    named = {path.split(":")[0].replace(".", "/") + ".py" for path in CONTRACTS}
    assert set(FILES) == named
    for path in CONTRACTS:
        assert any(path in command for command in COMMANDS), path
        assert PAGE.count(f'"{path}"\n') >= 1, f"{path} is not announced"


@pytest.mark.parametrize("path", CONTRACTS)
def test_every_class_of_the_page_is_final_and_finished(mine, path):
    kind, (base, _) = made(path), CONTRACTS[path]
    assert issubclass(kind, base)
    assert kind.__final__ is True
    assert not kind.__abstractmethods__


def test_the_attack_attacks(mine):
    corners, model = made("mine.attacks:Corners"), nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    images, labels = torch.full((5, 3, 2, 2), 0.5), torch.arange(5) % 3
    noise = corners(eps=0.1, draws=2)(model, images, labels) - images
    assert torch.allclose(noise.abs(), torch.full_like(noise, 0.1))
    with pytest.raises(InputError, match="draws: expected at least 1, got 0"):
        corners(eps=0.1, draws=0)


def test_the_training_loss_spreads_the_label(mine):
    smoothed, model = made("mine.losses:Smoothed"), nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    images, labels = torch.rand(4, 3, 2, 2), torch.tensor([0, 1, 2, 0])
    value, logits = smoothed(eps=0.05, smoothing=0.3)(model, images, labels, torch.Generator())
    target = 0.7 * nn.functional.one_hot(labels, 3) + 0.1
    assert value.item() == pytest.approx(-float((target * logits.detach().log_softmax(1)).sum(1).mean()), rel=1e-5)


def test_the_noise_estimator_is_built_by_its_path(mine):
    phi = noise_estimator("mine.noise:Power", image_shape=(1, 4, 4), power="1/2")
    noise = torch.full((2, 1, 1, 4, 4), 0.01)
    estimate = phi(torch.full((2, 1, 4, 4), 0.5), noise, torch.tensor([0.01]), torch.tensor([0.04]))
    assert estimate.unique().tolist() == pytest.approx([0.02])
    with pytest.raises(InputError, match=r"noise_estimator\.settings\.powr: expected a setting of 'mine.noise:Power'"):
        noise_estimator("mine.noise:Power", image_shape=(1, 4, 4), powr=1)


def test_the_loss_estimator_is_built_by_its_path(mine):
    given = {"num_edges": 2, "num_operations": 2, "num_losses": 1, "seed": 0}
    psi = LOSS_ESTIMATORS.build(
        PartConfig(name="mine.psi:Ridge", settings={"penalty": 1e-6}), argument="loss_estimator", **given
    )
    encodings = torch.rand(20, 2, 2, generator=stream(0, "H"))
    losses = encodings.sum(dim=(1, 2))[:, None] + 1
    psi.fit(encodings, losses, generator=torch.Generator())
    assert torch.allclose(psi.predict(encodings).mean, losses, atol=1e-3)


def test_the_space_is_found_by_its_genotypes(mine):
    assert SpaceConfig(name="mine.spaces:Plain").name == "mine.spaces:Plain"
    space = get_space("mine.spaces:Plain")
    assert get_space(space.sample(stream(0, "one")).space) == space
    with pytest.raises(InputError, match="avg_pool_3x3"):
        space.parse("|avg_pool_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|")


def test_the_strategy_follows_the_best(mine):
    objective = SearchObjective(clean_weight=0.5, robust_weight=0.5, strength_weights=(0.2, 0.3, 0.5))
    found = []
    for settings in ({"best": 3}, {"best": 10**6}):
        strategy = made("mine.strategies:Nearby")(AdditiveEvaluator(), objective, 0, queries=60, **settings)
        while strategy.iteration < strategy.total_iterations:
            strategy.step()
        found.append(strategy.evaluator.total_of(strategy.result()))
    assert found[0] < found[1]


def test_the_section_shows_the_best_labels_first(mine, tmp_path):
    run = make_run(tmp_path / "run")
    asked = [{"name": "mine.sections:Leaders", "settings": {"count": 3}}]
    html = write_search_report(run, sections=asked).read_text()
    table = html[html.index(">Leaders</h2>") :]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table[: table.index("</table>")], flags=re.S)[1:]
    shown = [float(re.findall(r"<td[^>]*>(.*?)</td>", row)[1]) for row in rows]
    assert len(shown) == 3
    assert shown == sorted(shown)
    assert shown[0] == pytest.approx(min(line["objective"] for line in make_metrics() if line["losses"]), rel=1e-3)


def announced(package):
    """Write what an installer would: a distribution `mine` with the entry points of the page."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    text = re.sub(r'\[project\.entry-points\."(.*)"\]', r"[\1]", text)
    about = package / "mine-1.0.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(re.sub(r'^"?([^"\n]*?)"? = "(.*)"$', r"\1 = \2", text, flags=re.MULTILINE))


@pytest.mark.parametrize(
    ("table", "name", "path"),
    [
        (NOISE_ESTIMATORS, "power", "mine.noise:Power"),
        (LOSS_ESTIMATORS, "ridge", "mine.psi:Ridge"),
        (SPACES, "mine.spaces:Plain", "mine.spaces:Plain"),
        (SECTIONS, "leaders", "mine.sections:Leaders"),
    ],
    ids=["noise", "loss", "space", "section"],
)
def test_an_announced_part_is_known_by_its_name(mine, table: Parts, name, path):
    announced(mine)
    assert name in table.names()
    assert table.kind(name, argument="part", imports=False) is made(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    [
        "attacks",
        "losses",
        "noise",
        "psi",
        "strategies",
        "sections",
    ],
)
def test_the_commands_of_a_part_run(mine, part, capsys):
    commands = [command for command in COMMANDS if f"mine.{part}:" in command]
    assert commands
    for command in commands:
        assert run(command) == 0, capsys.readouterr().err


@pytest.mark.slow
def test_the_commands_of_the_space_run_each_as_a_program_of_its_own(mine, capsys):
    commands = [command for command in COMMANDS if "runs/plain" in command]
    assert len(commands) == 3
    for command in commands:
        assert run(command) == 0, capsys.readouterr().err
        forget()


@pytest.mark.slow
def test_every_class_of_the_page_keeps_the_contract_of_its_base(package):
    """With the command of the page, for all classes at once."""
    names = "|".join(path.split(":")[1] for path in CONTRACTS)
    found = {
        **os.environ,
        "WSRNAS_PARTS": ",".join(CONTRACTS),
        "PYTHONPATH": os.pathsep.join([str(package), *sys.path]),
    }
    chosen = " or ".join(("Corners", "smoothed", "Power", "Ridge", "Plain", "nearby", "leaders"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen]
    done = subprocess.run(
        [*command, *(file for _, file in CONTRACTS.values())], cwd=ROOT, env=found, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{names}:\n{done.stdout[-3000:]}"
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) > 60
