"""The sizes and batches that a search settles before it starts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from wsrnas.data import DataBundle, Split
from wsrnas.errors import refuse
from wsrnas.estimators.loss.base import LossEstimator
from wsrnas.estimators.loss.ensemble import EnsembleLossEstimator
from wsrnas.estimators.loss.features import Features
from wsrnas.estimators.loss.gaussian_process import GaussianProcessLossEstimator
from wsrnas.estimators.loss.lstm import LSTMLossEstimator
from wsrnas.networks.cost import count_parameters as count_parameters
from wsrnas.search.config import SearchConfig
from wsrnas.spaces.base import NetworkConfig, SearchSpace
from wsrnas.training.config import SizeConfig
from wsrnas.training.network import network_config as sized_for


def limited(split: Split, images: int | None, batch_size: int, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Return the first `images` of a split in order, in whole batches where there is at least one."""
    count = len(split) if images is None else min(images, len(split))
    whole = count // batch_size
    return islice(split.batches(batch_size, device=device), max(whole, 1))


def network_config(config: SearchConfig, data: DataBundle) -> NetworkConfig:
    """Return the size of the networks of a search."""
    return sized_for(size_config(config), data)


def size_config(config: SearchConfig) -> SizeConfig:
    """Return width, depth and stem of the networks of a search, as a training takes them."""
    return SizeConfig(channels=config.space.channels, layers=config.space.layers, stem=config.space.stem)


LOSS_ESTIMATORS: dict[str, type[LossEstimator]] = {
    "lstm": LSTMLossEstimator,
    "ensemble": EnsembleLossEstimator,
    "gaussian-process": GaussianProcessLossEstimator,
}


def path_features(space: SearchSpace) -> Features:
    """Return the features by which the Gaussian process tells the architectures of a space apart."""
    return space.features


def estimator_sizes(space: SearchSpace, strengths: int, seed: int) -> dict[str, int]:
    """Return what every ψ is told: E, K, one loss for the clean images and one per strength, and its seed."""
    return {
        "num_edges": space.num_edges,
        "num_operations": space.num_operations,
        "num_losses": 1 + strengths,
        "seed": seed,
    }


def loss_estimator(config: SearchConfig, space: SearchSpace, strengths: int) -> LossEstimator:
    """Return ψ, untrained."""
    sizes: dict[str, Any] = {**estimator_sizes(space, strengths, config.seed), **config.loss.settings}
    if config.loss.estimator == "gaussian-process":
        sizes["paths"] = path_features(space)
    try:
        return LOSS_ESTIMATORS[config.loss.estimator](**sizes)
    except TypeError as error:
        refuse("loss.settings", expected=f"settings of {config.loss.estimator}", got=sizes, remedy=str(error))
