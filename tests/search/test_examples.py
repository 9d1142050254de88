"""Example images: what is kept is what the report shows."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from wsrnas.search.finalists.examples import save_examples

STRENGTHS = (0.0, 0.05, 0.2)


def model() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).eval()


def saved(path: Path) -> dict[str, np.ndarray]:
    images = torch.rand(4, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(4) % 3
    file = save_examples(path, model(), images, labels, STRENGTHS, torch.Generator().manual_seed(2), steps=3)
    with np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def test_examples_hold_attacked_images_and_predictions(tmp_path: Path) -> None:
    content = saved(tmp_path)
    assert content["adversarial"].shape == (2, 4, 1, 4, 4)
    assert content["predictions"].shape == (3, 4)
    assert content["strengths"].tolist() == pytest.approx(STRENGTHS[1:])
    for strength, adversarial in zip(content["strengths"], content["adversarial"]):
        assert np.abs(adversarial - content["images"]).max() <= strength + 1e-6
        assert adversarial.min() >= 0
        assert adversarial.max() <= 1
    with torch.no_grad():
        shown = model()(torch.from_numpy(content["adversarial"][1])).argmax(dim=1)
    assert content["predictions"][2].tolist() == shown.tolist()


def test_the_same_generator_gives_the_same_examples(tmp_path: Path) -> None:
    first, second = saved(tmp_path), saved(tmp_path)
    assert all(np.array_equal(first[name], second[name]) for name in first)
