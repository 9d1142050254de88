"""A trained network with what belongs to it: `wsrnas.load` returns one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wsrnas.errors import refuse
from wsrnas.types import Images, Logits


class Classifier(nn.Module):
    """A network and its contract: float images in [0,1] of `image_shape` (C,H,W) to logits, normalisation inside.

    `class_names` names the logits in order; None where nobody said how the classes are called.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        num_classes: int,
        image_shape: tuple[int, int, int],
        class_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        if class_names is not None and len(class_names) != num_classes:
            refuse("class_names", expected=f"{num_classes} names, one per logit", got=len(class_names))
        self.network = network
        self.num_classes, self.image_shape = num_classes, image_shape
        self.class_names = None if class_names is None else tuple(class_names)

    def forward(self, images: Images) -> Logits:
        """Return the logits (B, classes)."""
        logits: Tensor = self.network(images)
        return logits

    @torch.no_grad()
    def classify(self, images: Images) -> list[str]:
        """Return the name of the likeliest class of each image, or its number where classes have no names."""
        found = self(images).argmax(dim=1).tolist()
        return [str(place) if self.class_names is None else self.class_names[place] for place in found]

    def extra_repr(self) -> str:
        """Return the contract."""
        return f"images {self.image_shape} in [0,1], {self.num_classes} classes"
