"""`check` says which batches a model takes, and whether its answers depend on them."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from tests.evaluation.around import Around
from torch import Tensor, nn

from wsrnas.errors import InputError
from wsrnas.evaluation import check


def fixed(size: int, model: nn.Module, images: Tensor) -> Tensor:
    return model(images.reshape(size, 1, 8, 8))


@pytest.mark.parametrize("size", [1, 8, 64])
@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_model_for_batches_of_one_size_is_refused_by_that_size(
    size: int, traced: bool, undefended: nn.Module, digits: Any
) -> None:
    model: nn.Module = Around(undefended, partial(fixed, size)).eval()
    if traced:
        model = torch.jit.trace(model, torch.zeros(size, 1, 8, 8))
    sentence = (
        rf"expected one that takes batches of any size, got one that takes batches of {size} and not of \d+ \(tried"
    )
    with pytest.raises(InputError, match=sentence):
        check(model, digits.images[:40], digits.labels[:40])


def test_a_model_that_fails_on_a_batch_of_one(undefended: nn.Module, digits: Any) -> None:
    def several(model: nn.Module, images: Tensor) -> Tensor:
        return model(images).squeeze()

    verdict = check(Around(undefended, several).eval(), digits.images[:32], digits.labels[:32], attacked=0)
    assert "batch-dependent" in verdict.flags, str(verdict)
