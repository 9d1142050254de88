"""Seeing which torch functions a forward pass calls, to name the cause of what it does."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from wsrnas.attacks.victim import modes

RANDOM = {
    "bernoulli", "bernoulli_", "exponential_", "multinomial", "normal", "normal_", "poisson", "rand", "rand_like",
    "randint", "randint_like", "randn", "randn_like", "random_", "randperm", "uniform_", "cauchy_", "geometric_",
}  # fmt: skip
_DROPOUT = {
    functional.dropout, functional.dropout1d, functional.dropout2d, functional.dropout3d, functional.alpha_dropout,
    functional.feature_alpha_dropout,
}  # fmt: skip


class Watch(TorchFunctionMode):
    """Notes active dropout, BatchNorm on batch statistics, random draws and gradients inside a forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = self.batch_statistics = self.gradients = False
        self.random: list[str] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note the call and make it."""
        kwargs = kwargs or {}
        name = getattr(function, "__name__", "")
        if function in _DROPOUT:
            share = args[1] if len(args) > 1 else kwargs.get("p", 0.5)
            training = args[2] if len(args) > 2 else kwargs.get("training", True)
            self.dropout |= bool(training) and share > 0
        elif function is functional.batch_norm:
            self.batch_statistics |= bool(args[5] if len(args) > 5 else kwargs.get("training", False))
        elif name in RANDOM:
            self.random.append(name.rstrip("_"))
        elif name in ("grad", "backward"):
            self.gradients = True
        return function(*args, **kwargs)


def train_mode_layers(model: nn.Module) -> tuple[list[str], list[str]]:
    """Return the names of dropout layers and of BatchNorm layers that are in train mode."""
    dropout = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
    names = {layer: name for name, layer in model.named_modules()}
    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
    active = [(names[layer] or type(layer).__name__, layer) for layer, training in modes(model) if training]
    return (
        [name for name, layer in active if isinstance(layer, dropout) and layer.p > 0],
        [name for name, layer in active if isinstance(layer, norms)],
    )
