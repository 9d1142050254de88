"""The training of one network in one run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from wsrnas import rng
from wsrnas.data import DataBundle, Preprocessing, Split
from wsrnas.models.network import NetworkSpec
from wsrnas.progress import progress
from wsrnas.runtime import Runtime, leaving, processes
from wsrnas.training.batches import refuse_single_images, steps_per_epoch
from wsrnas.training.config import TrainConfig
from wsrnas.training.epoch import EpochResult, train_epoch
from wsrnas.training.folder import TrainFolder
from wsrnas.training.held_out import HeldOut, measure_held_out
from wsrnas.training.result import TrainResult
from wsrnas.training.state import TrainState

JUDGED = 512
"""Training images that a network is judged on where nothing is held out: enough to see whether it learned anything."""


def train_single(
    config: TrainConfig, network: NetworkSpec, out: Path, *, data: DataBundle, runtime: Runtime
) -> TrainResult:
    """Train one network, or go on with it, as `train` describes; ignores `config.bands`."""
    model = runtime.prepare(network.initialise(config.seed))
    possible = partial(
        refuse_single_images,
        model,
        config.build_loss(),
        data.image_shape,
        images=len(data.train),
        batch_size=config.batch_size,
        runtime=runtime,
    )
    processes.together(possible)
    with TrainFolder(out, {"trains": network.to_dict(), **asdict(config)}) as folder:
        state = TrainState(config, model, runtime, data.fingerprint)
        folder.load(state.load_state_dict)
        folder.extend(config.epochs, state.epoch)
        steps = steps_per_epoch(len(data.train), config.batch_size)
        with _progress(config, steps, state, runtime) as advance:
            while state.epoch < config.epochs:
                _one_epoch(config, data, state, folder, runtime, advance)
        weights = sum(parameter.numel() for parameter in model.parameters())
        strength = config.selection_strength()
        result = TrainResult(path=out, strength=strength, parameters=weights, **state.summary())
        folder.measure(state.network, data.image_shape)
        folder.finish(network, result.to_dict(), data.class_names, Preprocessing.of(config.data))
        return result


def _one_epoch(
    config: TrainConfig,
    data: DataBundle,
    state: TrainState,
    folder: TrainFolder,
    runtime: Runtime,
    advance: Callable[[str], None],
) -> None:
    epoch, steps = state.epoch, steps_per_epoch(len(data.train), config.batch_size)
    schedule = config.build_schedule()

    def learning_rate(step: int) -> float:
        return config.optimizer.lr * schedule.factor(epoch + (step + 0.5) / steps, config.epochs)

    def after(step: int) -> None:
        state.step = step + 1
        if state.average is not None:
            state.average.update(state.model)
        advance(f"epoch {epoch + 1}/{config.epochs} {state.note()}")
        if state.step < steps and (leaving.asked() or state.step % config.checkpoint_every == 0):
            folder.save(state.state_dict())
            leaving.leave()

    with folder.timed("training", epoch):
        result = train_epoch(
            state.model,
            state.optimizer,
            config.build_loss(),
            data.train.batches(
                config.batch_size,
                generator=rng.stream(config.seed, "order", epoch),
                augment=data.augment,
                device=runtime.device,
                start_batch=state.step,
                drop_last=len(data.train) >= config.batch_size,
            ),
            runtime=runtime,
            generator_for=lambda step: rng.stream(config.seed, "attack", epoch, step, 0, device=runtime.device),
            clip=config.optimizer.clip,
            perturbation=config.awp.at(epoch),
            carried=state.carried,
            learning_rate=learning_rate,
            first_step=state.step,
            sums=state.sums,
            on_step=after,
        )
    last = epoch + 1 == config.epochs
    measured = None
    if len(data.valid) and (last or (epoch + 1) % config.selection.every == 0):
        with folder.timed("held-out measurement", epoch):
            measured = _measure(
                config, state, data.valid, runtime, config.selection_strength(), config.selection.images
            )
    kept = (measured is not None or last) and state.offer(measured)
    if kept:
        judged = measured or _measure(config, state, data.train, runtime, None, JUDGED)
        state.judge(judged.learned_nothing(data.class_names))
    folder.log(**_line(epoch, learning_rate(steps - 1), result, measured, kept))
    if kept:
        folder.keep(state.network)
    state.end_epoch()
    folder.save(state.state_dict())


def _measure(
    config: TrainConfig, state: TrainState, split: Split, runtime: Runtime, strength: float | None, images: int | None
) -> HeldOut:
    """Measure the network that would be kept."""
    return measure_held_out(
        state.network,
        split,
        strength=strength,
        steps=config.selection.steps,
        images=images,
        batch_size=config.batch_size,
        seed=config.seed,
        runtime=runtime,
    )


def _line(epoch: int, rate: float, result: EpochResult, measured: HeldOut | None, kept: bool) -> dict[str, object]:
    return {
        "epoch": epoch + 1,
        "learning_rate": rate,
        "train_loss": result.loss,
        "train_accuracy": result.accuracy,
        "held_out_accuracy": None if measured is None else measured.clean,
        "held_out_robust_accuracy": None if measured is None else measured.robust,
        "kept": kept,
    }


@contextmanager
def _progress(config: TrainConfig, steps: int, state: TrainState, runtime: Runtime) -> Iterator[Callable[[str], None]]:
    """Give a function that counts one step and shows a note; only the main process shows anything."""
    done = state.epoch * steps + state.step
    with progress("training", config.epochs * steps, done=done, quiet=not runtime.is_main) as bar:
        yield lambda note: bar.advance(1, note)
