"""A few attacked images kept with a run, so that its report can show what the numbers mean."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from wsrnas.attacks import PGD
from wsrnas.files import write_atomic
from wsrnas.types import Images, Labels


def save_examples(
    path: Path,
    model: nn.Module,
    images: Images,
    labels: Labels,
    strengths: Sequence[float],
    generator: torch.Generator,
    *,
    steps: int = 20,
) -> Path:
    """Attack the images at each strength with PGD and write `examples.npz` into the run folder `path`.

    The file holds images (N,C,H,W), labels (N,), strengths (S,), adversarial (S,N,C,H,W) and the classes predicted
    for clean and attacked images, predictions (S+1,N).
    """
    attacked = [
        PGD(eps=float(strength), steps=steps)(model, images, labels, generator)
        for strength in strengths
        if strength > 0
    ]
    with torch.no_grad():
        predictions = [model(batch).argmax(dim=1) for batch in (images, *attacked)]
    out = io.BytesIO()
    np.savez_compressed(
        out,
        images=images.cpu().numpy(),
        labels=labels.cpu().numpy(),
        strengths=np.array([strength for strength in strengths if strength > 0]),
        adversarial=torch.stack(attacked).cpu().numpy(),
        predictions=torch.stack(predictions).cpu().numpy(),
    )
    write_atomic(path / "examples.npz", out.getvalue())
    return path / "examples.npz"
