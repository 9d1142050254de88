"""Another activation in a network that was built with ReLU."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from wsrnas.errors import one_of, refuse

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU}


def use_activation(network: nn.Module, name: str) -> nn.Module:
    """Put the activation in place of every ReLU module, in place; weights stay as they are.

    SiLU, x·sigmoid(x), is smooth, which makes attacks in training and the gradients through them better (Xie et al.,
    "Smooth Adversarial Training", 2020).

    Raises:
        InputError: an unknown activation, or a network without a ReLU module to replace.
    """
    one_of("activation", name, tuple(ACTIVATIONS))
    if name == "relu":
        return network
    places = [
        (module, child)
        for module in network.modules()
        for child, layer in module.named_children()
        if type(layer) is nn.ReLU
    ]
    if not places:
        expected, remedy = f"a network with ReLU layers to turn into {name}", "leave the activation at relu"
        refuse("activation", expected=expected, got=f"{type(network).__name__}, which has none", remedy=remedy)
    for module, child in places:
        setattr(module, child, ACTIVATIONS[name]())
    return network
