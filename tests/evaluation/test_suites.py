"""Suites and attacks by name, from Python and from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from wsrnas.attacks import FMN, PGD, Square, Transfer
from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.evaluation import SUITES, evaluate
from wsrnas.evaluation.closing import Closing
from wsrnas.evaluation.suites import chosen_attacks, describe, suite_attacks
from wsrnas.parts import PartConfig


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", SUITES)
def test_every_suite_is_a_list_of_attacks_and_its_first_needs_no_other(name: str, norm: Any) -> None:
    attacks = suite_attacks(name, norm)
    assert all(attack.norm == norm for attack in attacks.values())
    assert not isinstance(next(iter(attacks.values())), Closing)
    assert len(set(attacks)) == len(attacks)
    assert SUITES[name].purpose in str(SUITES[name])


def test_the_suites_are_what_they_say() -> None:
    assert suite_attacks("fast", "Linf") == {"PGD-20": PGD(eps=0.1, steps=20, keep="best")}
    assert suite_attacks("square", "L2") == {"Square-2000": Square(eps=0.1, norm="L2", queries=2000)}
    assert list(suite_attacks("standard", "Linf")) == [
        "PGD-20", "APGD-CE", "APGD-T", "Square-500", "FMN-50", "APGD-T closing", "Square-5000 closing",
    ]  # fmt: skip
    assert list(suite_attacks("autoattack", "Linf")) == ["PGD-20", "AutoAttack"]


def test_the_old_name_of_the_square_suite_is_refused_with_the_new_one() -> None:
    with pytest.raises(InputError, match=r"got black-box; it is called 'square' now; Papernot's .*--attacks papernot"):
        suite_attacks("black-box", "Linf")
    with pytest.raises(InputError, match="did you mean 'standard'"):
        suite_attacks("standart", "Linf")


def test_names_objects_and_configurations_mix() -> None:
    found = chosen_attacks(["pgd:steps=3,fgsm", PGD(eps=0.2, steps=5), PartConfig(name="square")], "fast", "Linf")
    assert list(found) == ["PGD-3", "FGSM", "PGD-5", "Square-5000"]
    assert list(chosen_attacks({"a": "pgd", "b": FMN(eps=0.1)}, "fast", "Linf")) == ["a", "b"]
    assert list(chosen_attacks("pgd,pgd:steps=50", "fast", "Linf")) == ["PGD-20", "PGD-50"]
    with pytest.raises(InputError, match="expected one attack for each label, got several for 'a'"):
        chosen_attacks({"a": "pgd,fgsm"}, "fast", "Linf")
    with pytest.raises(InputError, match="at least one attack"):
        chosen_attacks("", "fast", "Linf")


def test_a_description_tells_models_and_images_apart_and_stays_the_same() -> None:
    def flat(seed: int) -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return nn.Sequential(nn.Flatten(), nn.Linear(4, 2))

    one, same, other = (describe(Transfer(eps=0.1, sources=(flat(seed),))) for seed in (0, 0, 1))
    assert one == same != other
    for text in (describe(attack) for attack in chosen_attacks("papernot,transfer", "fast", "Linf", others=[flat(0)],
                                                               images=torch.rand(3, 1, 2, 2)).values()):  # fmt: skip
        assert "0x" not in text
        assert "eps=0.1" not in text.split("attack=")[0]
    few, many = (
        describe(chosen_attacks("papernot", "fast", "Linf", images=torch.ones(n, 1, 2, 2))["Papernot"]) for n in (2, 3)
    )
    assert few != many


def test_a_transfer_by_name_is_crafted_on_the_others(
    undefended: nn.Module, pgd_trained: nn.Module, digits: Any
) -> None:
    images, labels = digits.images[:40], digits.labels[:40]
    named = evaluate(undefended, images, labels, [0.2], attacks="transfer", others=[pgd_trained])
    built = evaluate(undefended, images, labels, [0.2], attacks=[Transfer(eps=0.1, sources=(pgd_trained,))])
    assert named.accuracy == built.accuracy
    assert named.accuracy[0] < named.clean_accuracy
    assert named.attacks == built.attacks
    three = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    with pytest.raises(InputError, match=r"others\[0\]: expected a model of the same 10 classes, got 3"):
        evaluate(undefended, images, labels, [0.2], attacks="transfer", others=[three])


@pytest.fixture
def run(undefended: nn.Module, digit_network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder of a trained digit network."""
    from safetensors.torch import save_file

    from wsrnas import zoo

    monkeypatch.setattr(zoo, "create", lambda name, **config: digit_network())
    folder = tmp_path / "run"
    folder.mkdir()
    save_file(undefended.state_dict(), folder / "model.safetensors")
    (folder / "network.json").write_text(
        '{"kind": "zoo", "name": "racl", "config": {"num_classes": 10, "image_shape": [1, 8, 8]}}'
    )
    (folder / "config.yaml").write_text("data:\n  name: digits\n")
    return folder


def test_attacks_from_the_command_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--limit=20", "--device=cpu", "--strengths=0,0.1"]
    assert main(["evaluate", str(run), *settings, "--attacks=fgsm,pgd:steps=3,papernot:rounds=1:epochs=1"]) == 0
    record = json.loads((run / "eval/strict.json").read_text())
    assert list(record["attacks"]) == ["FGSM", "PGD-3", "Papernot"]
    assert main(["evaluate", str(run), *settings, "--attacks=transfer:attack=fgsm", "--others", str(run)]) == 0
    assert "Transfer(FGSM)" in json.loads((run / "eval/strict.json").read_text())["attacks"]
    capsys.readouterr()
    for arguments, message in (
        (["--attacks=pgd", "--suite=fast"], "--attacks: expected either --attacks or --suite, got both"),
        (["--attacks=pdg"], "did you mean 'pgd'?"),
        (["--attacks=transfer"], "give them with --others RUN"),
        (["--suite=black-box"], "it is called 'square' now"),
        (["--norm=Linff"], "did you mean 'Linf'?"),
    ):
        assert main(["evaluate", str(run), *settings, *arguments]) == 2
        shown = capsys.readouterr().err
        assert message in shown
        assert shown.count("\n") == 1
