"""What a training says before it starts: what it does, and what about it is odd."""

from __future__ import annotations

from wsrnas.data import DataBundle
from wsrnas.training.config import TrainConfig
from wsrnas.types import format_strength


def what_is_trained(config: TrainConfig, data: DataBundle) -> str:
    """Return one sentence: loss, strengths, data, length."""
    settings = ", ".join(f"{key} {_shown(value)}" for key, value in config.loss.settings.items())
    loss = f"{config.loss.name} ({settings})" if settings else config.loss.name
    largest = config.losses()[-1].largest_strength()
    noise = "without noise" if largest is None else f"with noise up to {format_strength(largest)}"
    bands = config.strength_bands()
    several = f", {len(bands)} networks" if bands else ""
    _, height, width = data.image_shape
    epochs = f"{config.epochs} epochs" if config.epochs > 1 else "1 epoch"
    return (
        f"training: {loss}, {noise}{several}, on {len(data.train)} images of {data.name} ({width}x{height}, "
        f"{data.num_classes} classes), {epochs} in batches of {config.batch_size}"
    )


def notes(config: TrainConfig) -> list[str]:
    """Return what a user should know before the training starts, each in a sentence."""
    found = [_strength_note(config), config.build_schedule().doubt(config.epochs)]
    if config.awp.gamma is not None and config.awp.start >= config.epochs:
        found.append(f"awp.start {config.awp.start}: the training ends after {config.epochs} epochs, before it begins")
    return [note for note in found if note is not None]


def _strength_note(config: TrainConfig) -> str | None:
    """Compare what is trained at with the spectrum asked for."""
    spectrum, largest = config.spectrum(), config.losses()[-1].largest_strength()
    if not spectrum:
        return None
    first, last = format_strength(spectrum[0]), format_strength(spectrum[-1])
    asked = f"the strengths asked for ({first} to {last})" if len(spectrum) > 1 else f"the strength asked for ({last})"
    if largest is None:
        return f"trained without noise, so expect little at {asked}; --loss.name pgd trains against noise"
    trained, slack = format_strength(largest), 1e-6
    if largest > spectrum[-1] * (1 + slack):
        return (
            f"trained at {trained}, stronger than {asked}: clean accuracy pays for strengths that nobody asked for; "
            f"{_option(config, last)} trains at the largest of them"
        )
    if largest < spectrum[0] * (1 - slack):
        return f"trained at {trained}, weaker than {asked}; {_option(config, first)} trains at the smallest of them"
    return None


def _option(config: TrainConfig, strength: str) -> str:
    if config.strength_bands():
        return f'--bands "…; {strength}"'
    several = config.loss.name == "multi"
    return f"--loss.settings.strengths …,{strength}" if several else f"--loss.settings.eps {strength}"


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
