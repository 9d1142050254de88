"""Networks from what `wsrnas export` and `wsrnas push` made, from shipped folders and from a hub."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from wsrnas.errors import refuse
from wsrnas.files import is_file
from wsrnas.models.description import Description
from wsrnas.models.size import check_size
from wsrnas.weights import Weights, find_weights, is_weights, load_weights
from wsrnas.weights.pt2 import pt2_tensors, read_pt2

PT2 = ".pt2"


def is_exported(spec: str) -> bool:
    """Return whether a text names a network that says itself how it is built, other than a run folder."""
    return Path(spec).suffix == PT2 or is_weights(spec)


def load_exported(spec: str) -> tuple[nn.Module, Description]:
    """Return a network with its weights, in eval mode, and its description.

    The network is built anew from its description and the weights loaded strictly: nothing in a file is executed, and
    gradients are there whatever the format.

    Raises:
        InputError: nothing of that name, a file that says nothing of its network, or one that is damaged.
    """
    path = Path(spec)
    if path.suffix == PT2:
        if not is_file(path):
            refuse("model", expected="an existing .pt2 file", got=str(path)[:200])
        description = Description.from_dict(read_pt2(path), source=str(path))
        check_size(description.network, path, source=str(path))
        model = description.network.build()
        tensors = pt2_tensors(path, model.state_dict())
        with torch.no_grad():
            model.load_state_dict(tensors)
        return model.eval(), description
    found = find_weights(spec, argument="model")
    description = description_of(found)
    check_size(description.network, found.file, source=found.source)
    model = description.network.build()
    load_weights(model, found.file)
    return model.eval(), description


def description_of(found: Weights) -> Description:
    """Return the description that comes with weights.

    Raises:
        InputError: weights that come with none.
    """
    if found.described is None:
        remedy = "for tensors alone there is zoo.create(name, weights=…), or --model NAME --weights FILE"
        refuse("model", expected="a file that `wsrnas export` wrote", got=f"{found.source}, tensors alone",
               remedy=remedy)  # fmt: skip
    return Description.from_dict(found.described, source=found.source)
