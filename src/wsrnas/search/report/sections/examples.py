"""Clean and attacked images with magnified noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import torch

from wsrnas.errors import InputError
from wsrnas.report.figures import image_grid, noise_panel
from wsrnas.report.page import Page
from wsrnas.search.report.record import SearchRecord
from wsrnas.search.report.sections.base import Section
from wsrnas.types import format_strength

_MOST_EXAMPLES, _MOST_STRENGTHS = 8, 3


@final
@dataclass(frozen=True, kw_only=True)
class Examples(Section):
    """Clean and attacked images with magnified noise."""

    name: ClassVar[str] = "examples"

    def add(self, page: Page, record: SearchRecord) -> None:
        page.section("Examples")
        file = record.path / "examples.npz"
        if not file.is_file():
            page.callout("note", "The run kept no example images.")
            return
        content = _load_arrays(file)
        images, adversarial = (torch.from_numpy(content[name]).float() for name in ("images", "adversarial"))
        images, adversarial = images[:_MOST_EXAMPLES], adversarial[:, :_MOST_EXAMPLES]
        labels = [str(label) for label in content["labels"][:_MOST_EXAMPLES].tolist()]
        strengths = [float(s) for s in content.get("strengths", np.array(record.strengths)).tolist()]
        predictions = content.get("predictions")
        if predictions is not None and len(predictions) == len(adversarial):
            predictions = np.concatenate([np.full_like(predictions[:1], -1), predictions])
        picked = sorted({round(i * (len(adversarial) - 1) / (_MOST_STRENGTHS - 1)) for i in range(_MOST_STRENGTHS)})
        rows = [("clean", images)]
        notes: list[list[str] | None] = [_said(predictions, 0, len(labels))]
        for index in picked:
            noise = adversarial[index] - images
            strength = strengths[index] if len(strengths) == len(adversarial) else float(noise.abs().max())
            rows.append((f"attacked\n{format_strength(strength)}", adversarial[index]))
            notes.append(_said(predictions, index + 1, len(labels)))
            rows.append((f"its noise\n× {0.5 / max(strength, 1e-12):.3g}", noise_panel(noise, strength)))
            notes.append(None)
        page.image(
            image_grid(rows, [f"class {label}" for label in labels], notes=notes),
            "Test images, the same images attacked, and the noise magnified until ± its strength is white and black "
            "(grey: no change)."
            + (" Under each image: the class the network says." if predictions is not None else ""),
            alt="Rows of clean images, attacked images and magnified noise",
        )


def _said(predictions: Any, row: int, count: int) -> list[str] | None:
    if predictions is None or row >= len(predictions) or (predictions[row] < 0).any():
        return None
    return [f"says {int(label)}" for label in predictions[row][:count]]


def _load_arrays(file: Path) -> dict[str, Any]:
    try:
        with np.load(file, allow_pickle=False) as archive:
            content = {name: archive[name] for name in archive.files}
        if not {"images", "labels", "adversarial"} <= set(content):
            raise KeyError("images, labels and adversarial are needed")
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"{file}: damaged ({error}); delete it to have the report without examples") from error
    return content
