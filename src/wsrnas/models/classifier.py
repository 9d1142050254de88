"""A trained network with what belongs to it: `wsrnas.load` returns one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wsrnas.data import Preprocessing
from wsrnas.errors import refuse
from wsrnas.models.description import Description
from wsrnas.types import Images, Logits


class Classifier(nn.Module):
    """A network and its contract: float images in [0,1] of `image_shape` (C,H,W) to logits, normalisation inside.

    `class_names` names the logits in order; None where nobody said how the classes are called. `preprocessing` says how
    pictures become pixels, and `description` how the network is built; None for networks that are not ours.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        num_classes: int,
        image_shape: tuple[int, int, int],
        class_names: Sequence[str] | None = None,
        preprocessing: Preprocessing | None = None,
        description: Description | None = None,
    ) -> None:
        super().__init__()
        if class_names is not None and len(class_names) != num_classes:
            refuse("class_names", expected=f"{num_classes} names, one per logit", got=len(class_names))
        self.network = network
        self.num_classes, self.image_shape = num_classes, image_shape
        self.class_names = None if class_names is None else tuple(class_names)
        self.preprocessing = preprocessing or Preprocessing()
        self.description = description

    @staticmethod
    def described(network: nn.Module, description: Description) -> Classifier:
        """Return a network with what its description says of it, in eval mode."""
        return Classifier(
            network,
            class_names=description.class_names,
            preprocessing=description.preprocessing,
            description=description,
            **description.network.contract(),
        ).eval()

    def forward(self, images: Images) -> Logits:
        """Return the logits (B, classes)."""
        logits: Tensor = self.network(images)
        return logits

    @torch.no_grad()
    def classify(self, images: Images) -> list[str]:
        """Return the name of the likeliest class of each image, or its number where classes have no names."""
        return [self.labels[place] for place in self(images).argmax(dim=1).tolist()]

    @property
    def labels(self) -> tuple[str, ...]:
        """What each logit is called: its class name, or its number."""
        return self.class_names or tuple(str(place) for place in range(self.num_classes))

    def extra_repr(self) -> str:
        """Return the contract."""
        return f"images {self.image_shape} in [0,1], {self.num_classes} classes"
