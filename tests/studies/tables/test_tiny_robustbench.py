"""Label policies are judged right on made-up curves, and damaged files are refused."""

import json
import random

import pytest
import torch

from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.spaces import DartsSpace
from wsrnas.studies.tables.policies import extrapolated, label_policies, successive_halving, truth
from wsrnas.studies.tables.tiny_robustbench import partial_kendall
from wsrnas.studies.tables.tiny_table import load_curves

NAME = "robust_bench_seed_0_1000.json"
EPOCHS, DROP = 20, 15


def network(seed):
    draw = random.Random(seed)
    operations = [name for name in DartsSpace().operations if name != "none"]
    cell = [
        [draw.choice(operations), source] for node in range(4) for source in sorted(draw.sample(range(2 + node), 2))
    ]
    quality = draw.random()
    clean = [30 + 10 * draw.random() + (30 * quality if epoch >= DROP else 0) for epoch in range(EPOCHS)]
    robust = [0 if epoch < DROP else 20 + 20 * quality for epoch in range(EPOCHS)]
    genotype = {"normal": cell, "normal_concat": [2, 3, 4, 5], "reduce": cell, "reduce_concate": [2, 3, 4, 5]}
    return {
        "seed": seed,
        "net": {"aux": False, "depth": 3, "width": 4, "genotype": genotype},
        "optim": {"lr_descent_epoch": [DROP], "total_epochs": EPOCHS},
        "adversarial_param": {"num_steps": 7},
        "test_ep_top1_original": clean,
        "test_ep_top1_adv": robust,
    }


def write(root, networks):
    root.mkdir(exist_ok=True)
    (root / NAME).write_text(networks if isinstance(networks, str) else json.dumps(networks))
    return root


@pytest.fixture(scope="module")
def networks():
    return [network(seed) for seed in range(24)]


@pytest.fixture(scope="module")
def curves(tmp_path_factory, networks):
    return load_curves(write(tmp_path_factory.mktemp("tiny"), networks))


def test_the_command_judges_every_policy(networks, tmp_path, capsys):
    root, out = write(tmp_path / "t", networks), tmp_path / "out.json"
    assert main(["bench", "tiny-robustbench", "--data", str(root), "--seeds", "1", "--json", str(out)]) == 0
    policies = json.loads(out.read_text())["policies"]
    assert all(set(row) == {"tau", "tau_equal_size", "cost"} for row in policies.values())
    assert policies["after-drop-attacked"]["tau"] == pytest.approx(1.0)
    assert policies["after-drop-attacked"]["cost"] == DROP + 1
    assert abs(policies["before-drop"]["tau"]) < 0.5 < policies["after-drop"]["tau"]
    assert policies["size"]["tau_equal_size"] == 0.0
    assert policies["size"]["cost"] == 0.0
    assert "successive-halving" in policies
    assert {"psi-14", "psi-14-size"} <= set(policies)
    assert "at equal size" in capsys.readouterr().out


def test_no_policy_looks_at_the_epochs_of_the_truth(curves):
    final = truth(curves)
    assert torch.allclose(final, curves.robust[:, -1], atol=1e-4)
    before = {policy.name: policy.scores for policy in label_policies(curves)}
    spoilt = type(curves)(**{**vars(curves), "robust": curves.robust.clone(), "clean": curves.clean.clone()})
    spoilt.robust[:, -3:] = 50 - spoilt.robust[:, -3:]
    spoilt.clean[:, -3:] = 1.0
    assert not torch.allclose(truth(spoilt), final)
    assert all(torch.equal(before[policy.name], policy.scores) for policy in label_policies(spoilt))


def test_partial_kendall_leaves_what_size_does_not_tell():
    draw = torch.Generator().manual_seed(0)
    size = torch.rand(300, generator=draw)
    x, y = (size + 0.3 * torch.rand(300, generator=draw) for _ in range(2))
    assert abs(partial_kendall(x, y, size)) < 0.12
    assert partial_kendall(x, x + 0 * size, torch.rand(300, generator=draw)) == pytest.approx(1.0)
    assert partial_kendall(size, y, size) == 0.0


def test_a_power_law_is_extrapolated_exactly():
    at = torch.arange(1, 11).double()
    curve = torch.stack([80 - 50 * at**-0.7, 60 - 20 * at**-1.5])
    wanted = torch.tensor([80 - 50 * 40**-0.7, 60 - 20 * 40**-1.5])
    assert torch.allclose(extrapolated(curve, 40), wanted, atol=1e-3)


def test_successive_halving_costs_what_it_trains(curves):
    policy = successive_halving(curves)
    last = EPOCHS - 3
    rungs = [last // 8, last // 4, last // 2]
    wanted = 24 * rungs[0] + 12 * (rungs[1] - rungs[0]) + 6 * (rungs[2] - rungs[1]) + 3 * (last - rungs[2])
    assert policy.cost == pytest.approx(wanted / 24)
    assert int((policy.scores[0] >= 303).sum()) == 3


def spoilt(networks, **changes):
    return [{**networks[0], **changes}, *networks[1:]]


DAMAGE = {
    "nothing": (lambda n: "[]", "at least 20 networks"),
    "cut short": (lambda n: json.dumps(n)[:-50], "text that does not parse"),
    "a mapping": (lambda n: '{"a": 1}', "expected a list of networks"),
    "a curve missing": (lambda n: spoilt(n, test_ep_top1_adv=None), "network 1: expected the field 'test_ep_top1_adv'"),
    "a shorter curve": (lambda n: spoilt(n, test_ep_top1_adv=[1.0]), "network 1: expected as many clean as robust"),
    "NaN": (lambda n: spoilt(n, test_ep_top1_adv=[float("nan")] * EPOCHS), "expected percentages"),
    "text": (lambda n: spoilt(n, test_ep_top1_original=["9"] * EPOCHS), "expected percentages"),
    "beyond": (lambda n: spoilt(n, test_ep_top1_original=[101.0] * EPOCHS), "expected percentages"),
    "no attacks": (lambda n: spoilt(n, test_ep_top1_adv=[0] * EPOCHS), "robust accuracy of every network"),
    "another rate": (
        lambda n: spoilt(n, optim={"lr_descent_epoch": [3]}),
        "network 2: expected optim as of .*network 1",
    ),
    "a strange drop": (
        lambda n: [{**one, "optim": {"lr_descent_epoch": [99]}} for one in n],
        "drop of the rate before",
    ),
    "a strange operation": (lambda n: spoilt(n, net=changed(n[0]["net"])), "network 1: .*conv_99"),
}


def changed(net):
    cell = [["conv_99", source] for _, source in net["genotype"]["normal"]]
    return {**net, "genotype": {**net["genotype"], "normal": cell}}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path, networks, damage):
    spoil, message = DAMAGE[damage]
    with pytest.raises(InputError, match=message):
        load_curves(write(tmp_path / "t", spoil(networks)))


def test_a_folder_without_the_files(tmp_path):
    with pytest.raises(InputError, match="--data: expected a folder with robust_bench_seed"):
        load_curves(tmp_path)


def test_the_published_curves(tiny_robustbench_root):
    curves = load_curves(tiny_robustbench_root)
    assert curves.epochs == 105
    assert curves.drop == 99
    assert curves.attacked[0] == 100
    assert len(curves.genotypes) >= 100
