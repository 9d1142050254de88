"""`check` takes any number of images and any kind of module, leaves both as they were, says what few images show."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.evaluation.around import Around
from torch import Tensor, nn

import wsrnas
from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.evaluation import check, evaluate
from wsrnas.evaluation.checks import FLAGS

ROOT = Path(__file__).parents[2]


def states(verdict: Any) -> dict[str, str]:
    return {one.name: one.state for one in verdict.findings}


@pytest.mark.parametrize(("count", "attacked"), [(1, 1), (2, 0), (7, 0), (40, 0)])
def test_few_images_are_enough_to_look(count: int, attacked: int, undefended: nn.Module, digits: Any) -> None:
    verdict = check(undefended, digits.images[:count], digits.labels[:count], attacked=attacked)
    assert verdict.ok, str(verdict)
    assert set(states(verdict)) == set(FLAGS)
    assert f"on {count} image" in str(verdict)
    assert re.search(rf"Few images: a share of {count} is known to ±\d+ points", str(verdict))


def test_positive_logits_of_a_single_image_are_no_probabilities(undefended: nn.Module, digits: Any) -> None:
    raised = Around(undefended, lambda f, x: f(x) + 100).eval()
    verdict = check(raised, digits.images[:1], digits.labels[:1], attacked=0)
    assert verdict.ok, str(verdict)


def test_many_images_need_no_such_remark(undefended: nn.Module, digits: Any) -> None:
    assert "Few images" not in str(check(undefended, digits.images[:100], digits.labels[:100], attacked=0))


def test_what_is_in_the_model_shows_with_one_image(undefended: nn.Module, digits: Any) -> None:
    hard = Around(undefended, lambda f, x: nn.functional.one_hot(f(x).argmax(1), 10) + 0.01 * f(x)).eval()
    assert "decision-jumps" in check(hard, digits.images[:1], digits.labels[:1], attacked=0).flags
    rippled = Around(undefended, lambda f, x: f(x + 0.02 * torch.sin(400 * x))).eval()
    assert "gradient-shattering" in check(rippled, digits.images[:1], digits.labels[:1], attacked=0).flags


FORMS: dict[str, tuple[Callable[[nn.Module], nn.Module], int]] = {
    "scripted": (torch.jit.script, 2),
    "traced": (lambda model: torch.jit.trace(model, torch.zeros(2, 1, 8, 8)), 0),
    "frozen": (lambda model: torch.jit.freeze(torch.jit.script(model)), 0),
    "frozen within": (lambda model: nn.Sequential(nn.Identity(), torch.jit.freeze(torch.jit.script(model))).eval(), 0),
    "float64": (lambda model: copy.deepcopy(model).double(), 2),
    "float64 inside": (lambda model: Around(copy.deepcopy(model).double(), lambda f, x: f(x.double())).eval(), 0),
    "channels last": (lambda model: copy.deepcopy(model).to(memory_format=torch.channels_last), 0),
    "without gradients": (lambda model: copy.deepcopy(model).requires_grad_(False), 0),
    "data parallel": (nn.DataParallel, 0),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_other_kinds_of_modules(form: str, undefended: nn.Module, digits: Any) -> None:
    make, attacked = FORMS[form]
    verdict = check(make(undefended), digits.images[:33], digits.labels[:33], attacked=attacked)
    assert verdict.ok, str(verdict)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_file_of_torchscript_is_examined_like_its_network(undefended: nn.Module, digits: Any, tmp_path: Path) -> None:
    torch.jit.save(torch.jit.trace(undefended, torch.zeros(2, 1, 8, 8)), tmp_path / "network.pt")
    read = torch.jit.load(tmp_path / "network.pt")
    images, labels = digits.images[:40], digits.labels[:40]
    assert check(read, images, labels, attacked=0).ok
    found = [evaluate(one, images, labels, [0, 0.1], attacks="pgd:steps=3").accuracy for one in (read, undefended)]
    assert found[0] == found[1]


def test_weights_made_in_inference_mode_are_refused(undefended: nn.Module, digits: Any) -> None:
    with torch.inference_mode():
        model = copy.deepcopy(undefended)
    for examine in (check, lambda *given: evaluate(*given, [0, 0.1])):
        with pytest.raises(InputError, match=r"expected ordinary parameters.*outside torch\.inference_mode"):
            examine(model, digits.images[:8], digits.labels[:8])


def test_every_model_that_fails_fails_in_one_sentence(undefended: nn.Module, digits: Any) -> None:
    def broken(model: nn.Module, images: Tensor) -> Tensor:
        return {}[len(images)]

    with pytest.raises(InputError, match=r"^model: cannot classify images of shape \(8, 1, 8, 8\) \(8\); give"):
        check(Around(undefended, broken).eval(), digits.images[:40], digits.labels[:40])


def test_layers_never_initialised_are_refused_with_the_way_out(digits: Any) -> None:
    lazy = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))
    with pytest.raises(InputError, match=r"layers not yet initialised \(1\.weight, 1\.bias\)"):
        check(lazy, digits.images[:8], digits.labels[:8])


def test_a_model_for_other_images_is_refused(undefended: nn.Module) -> None:
    with pytest.raises(InputError, match=r"model: cannot classify images of shape \(8, 3, 9, 9\)"):
        check(undefended, torch.rand(8, 3, 9, 9), torch.zeros(8).long())


@pytest.mark.slow
def test_writing_into_the_images_changes_no_finding(undefended: nn.Module, digits: Any) -> None:
    within = Around(undefended, lambda f, x: f(x.sub_(0.3).div_(0.4))).eval()
    beside = Around(undefended, lambda f, x: f((x - 0.3) / 0.4)).eval()
    one, other = (check(model, digits.images[:32], digits.labels[:32], attacked=4) for model in (within, beside))
    assert one.flags == ["changes-its-input", *other.flags]
    assert [x for x in one.findings if x.name != "changes-its-input"] == [
        x for x in other.findings if x.name != "changes-its-input"
    ]


def test_the_model_and_what_it_keeps_are_left_as_they_were(undefended: nn.Module, digits: Any) -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.seen = copy.deepcopy(undefended), list[int]()

        def forward(self, images: Tensor) -> Tensor:
            self.seen.append(len(images))
            return self.model(images)

    model = Counting().eval()
    check(model, digits.images[:24], digits.labels[:24], attacked=4)
    assert len(model.seen) <= 2  # once to see what it returns, once to see that a copy says the same
    images = digits.images[:24].clone()
    check(Around(undefended, lambda f, x: f(x.clamp_(0.2, 0.8))).eval(), images, digits.labels[:24], attacked=0)
    assert torch.equal(images, digits.images[:24])


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.round_(),
        lambda x: x.mul_(2).clamp_(0, 1),
        lambda x: x.sub_(0.3).div_(0.4),
        lambda x: x.masked_fill_(x < 0.2, 0.0),
    ],
    ids=["round", "mul, clamp", "sub, div", "masked fill"],
)
def test_writing_into_the_images_is_named(
    change: Callable[[Tensor], Tensor], undefended: nn.Module, digits: Any
) -> None:
    model = Around(undefended, lambda f, x: f(change(x))).eval()
    verdict = check(model, digits.images[:32], digits.labels[:32], attacked=0)
    assert "changes-its-input" in verdict.flags, str(verdict)


@pytest.mark.parametrize("cut", [lambda x: x.split(8), lambda x: x.unbind(), lambda x: x.chunk(3)])
def test_writing_into_views_gives_no_gradient_and_is_named(
    cut: Callable[[Tensor], tuple[Tensor, ...]], undefended: nn.Module, digits: Any
) -> None:
    def forward(model: nn.Module, images: Tensor) -> Tensor:
        for part in cut(images):
            part.sub_(0.1)
        return model(images)

    verdict = check(Around(undefended, forward).eval(), digits.images[:32], digits.labels[:32])
    assert {"changes-its-input", "non-differentiable"} == set(verdict.flags), str(verdict)


def test_every_flag_has_a_paragraph_in_the_docs() -> None:
    text = (ROOT / "docs" / "robustness-numbers.md").read_text()
    paragraphs = re.findall(r"^- ((?:`[a-z0-9-]+`(?:, )?)+):", text, flags=re.MULTILINE)
    described = {name for one in paragraphs for name in re.findall(r"`([a-z0-9-]+)`", one)}
    assert described == set(FLAGS)


def test_the_verdict_is_printed_even_where_it_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "eval").write_text("a file where a folder should be")
    arguments = ["check", "--model", "tests.evaluation.test_check_inputs:constant", "--data.name", "digits"]
    code = main([*arguments, "--limit", "24", "--out", str(tmp_path)])
    printed = capsys.readouterr()
    assert code == 2
    assert "Do not believe robustness numbers of this model yet" in printed.out
    assert "eval" in printed.err


def constant() -> nn.Module:
    return Around(nn.Identity(), lambda f, x: x.flatten(1)[:, :10] * 0.0 + torch.eye(10)[3]).eval()


def test_the_same_verdict_by_the_short_name(undefended: nn.Module, digits: Any) -> None:
    images, labels = digits.images[:32], digits.labels[:32]
    short = wsrnas.check(undefended, images, labels, attacked=0)
    assert str(short) == str(check(undefended, images, labels, attacked=0))
    with pytest.raises(InputError, match="data: expected a data set for a function, got none"):
        wsrnas.check(undefended)
    with pytest.raises(InputError, match="images, labels: expected both, .*got one of the two"):
        wsrnas.check(undefended, images)
    with pytest.raises(InputError, match="got a name"):
        wsrnas.check("runs/b", images, labels)


def test_a_module_is_examined_on_data_by_name(undefended: nn.Module) -> None:
    verdict = wsrnas.check(undefended, data={"name": "digits"}, limit=20, progress=False)
    assert verdict.images == 20
    assert "no-better-than-chance" not in verdict.flags
