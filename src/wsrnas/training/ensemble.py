"""Several networks, each trained for a band of strengths, that decide together and are kept as one."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from wsrnas.data import DataBundle, Preprocessing
from wsrnas.models.network import EnsembleNetwork, NetworkSpec
from wsrnas.networks.ensemble import Ensemble
from wsrnas.runtime import Runtime, processes
from wsrnas.training.bands import band_loss
from wsrnas.training.config import TrainConfig
from wsrnas.training.folder import TrainFolder
from wsrnas.training.held_out import HeldOut, measure_held_out
from wsrnas.training.result import TrainResult
from wsrnas.training.single import JUDGED, train_single
from wsrnas.types import format_strength


def member_configs(config: TrainConfig) -> list[TrainConfig]:
    """Return the training of every network: that of `config` itself, or one per band of strengths."""
    bands = config.strength_bands()
    if not bands:
        return [config]
    return [
        replace(
            config,
            recipe=f"{config.recipe} (strengths {', '.join(map(format_strength, band))})",
            bands=None,
            loss=band_loss(config.loss, band),
        )
        for band in bands
    ]


def train_ensemble(
    config: TrainConfig, network: NetworkSpec, out: Path, *, data: DataBundle, runtime: Runtime
) -> TrainResult:
    """Train one network per band in `members/1`, `members/2`, … and keep all as one that averages their probabilities.

    Parallel multi-strength training (Song et al., "MAT", 2017): a network trained at a strength is best near it, and
    nobody knows the strength of the next attack. Each member is a whole run of its own, selected on held-out images
    at its band's largest strength; the ensemble is measured there at the largest of all. Kill it and start it again as
    any training.

    Ours: bands of several strengths, and that the mean probability decides.
    """
    members = EnsembleNetwork(members=(network,) * len(config.strength_bands()))
    with TrainFolder(out, {"trains": members.to_dict(), **asdict(config)}) as folder:
        folder.load(lambda state: None)
        folder.extend(config.epochs)
        results = [
            train_single(settings, network, out / "members" / str(place), data=data, runtime=runtime)
            for place, settings in enumerate(member_configs(config), start=1)
        ]
        ensemble = Ensemble([_trained(network, result.path) for result in results])
        with folder.timed("held-out measurement", len(results)):
            measured, judged = _measure(config, runtime.prepare(ensemble), data, runtime)
        folder.keep(ensemble)
        folder.measure(ensemble, data.image_shape)
        result = TrainResult(
            path=out,
            epoch=max(result.epoch for result in results),
            held_out_accuracy=None if measured is None else measured.clean,
            held_out_robust_accuracy=None if measured is None else measured.robust,
            strength=config.selection_strength(),
            parameters=sum(parameter.numel() for parameter in ensemble.parameters()),
            learned_nothing=judged.learned_nothing(data.class_names),
            members=tuple(results),
        )
        folder.finish(members, result.to_dict(), data.class_names, Preprocessing.of(config.data))
        return result


def _measure(
    config: TrainConfig, ensemble: Ensemble, data: DataBundle, runtime: Runtime
) -> tuple[HeldOut | None, HeldOut]:
    """Return what held-out images say of the ensemble, and what it is judged by, training images where none are."""
    held_out = len(data.valid) > 0
    measured = measure_held_out(
        ensemble,
        data.valid if held_out else data.train,
        strength=config.selection_strength() if held_out else None,
        steps=config.selection.steps,
        images=config.selection.images if held_out else JUDGED,
        batch_size=config.batch_size,
        seed=config.seed,
        runtime=runtime,
    )
    return (measured if held_out else None), measured


def _trained(network: NetworkSpec, run: Path) -> nn.Module:
    model = network.build()
    model.load_state_dict(processes.first(lambda: load_file(run / "model.safetensors")))
    return model.eval()
