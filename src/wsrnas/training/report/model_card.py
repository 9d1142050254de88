"""README.md of a training: a model card that says what was trained, how, and what it is not."""

from __future__ import annotations

import json

from wsrnas.report.words import percent
from wsrnas.training.report.record import TrainRecord, extension_text, next_commands, words
from wsrnas.types import format_strength


def model_card(record: TrainRecord) -> str:
    """Return the text of the card of a finished training."""
    parts = [
        _front(record),
        _summary(record),
        _accuracy(record),
        _budget(record),
        _training(record),
        _use(record),
        _limits(record),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _front(record: TrainRecord) -> str:
    tags = ["adversarial-robustness", "image-classification", "wsrnas"]
    lines = ["library_name: wsrnas", "pipeline_tag: image-classification"]
    lines += [f"datasets: {json.dumps([record.data])}", f"tags: {json.dumps(tags)}"]
    return "\n".join(["---", *lines, "---"])


def _summary(record: TrainRecord) -> str:
    weights = record.result.get("parameters")
    size = f", {weights:,} parameters" if weights else ""
    return (
        f"# {record.path.resolve().name}\n\n"
        f"An image classifier ({record.architecture}{size}), trained on {record.data} by `wsrnas train` with the "
        f"recipe `{record.setting('recipe')}`, loss `{record.setting('loss.name')}`, seed {record.setting('seed')}. "
        "Images go in as float32 in [0,1], normalisation is its first layer, logits come out. `network.json` says how "
        "to build it, `model.safetensors` holds the weights, `config.yaml` every setting, `report.html` the learning "
        "curve."
    )


def _accuracy(record: TrainRecord) -> str:
    result, rows = record.result, []
    if result.get("held_out_accuracy") is not None:
        rows.append(["clean", percent(result["held_out_accuracy"])])
    if result.get("held_out_robust_accuracy") is not None:
        strength, steps = format_strength(float(result["strength"])), record.setting("selection.steps", "?")
        rows.append([f"PGD, {steps} steps, L∞ {strength}", percent(result["held_out_robust_accuracy"])])
    warning = result.get("learned_nothing")
    said = [f"**{str(warning)[:1].upper()}{str(warning)[1:]}.**"] if warning else []
    measured = (record.path / "eval" / "report.html").is_file()
    said.append(
        "Test images were measured afterwards: see `eval/report.html`."
        if measured
        else "Test images have not been looked at. Measure them before you rely on any number."
    )
    if not rows:
        return "## Accuracy\n\nNothing was held out to measure it on. " + " ".join(said)
    table = "\n".join(
        "| " + " | ".join(line) + " |" for line in [["held-out images", "accuracy"], ["---", "---"], *rows]
    )
    return "## Accuracy on held-out training images\n\n" + " ".join(said) + "\n\n" + table


def _budget(record: TrainRecord) -> str:
    if record.budget is None:
        return ""
    return "## Cost\n\n" + "\n".join(f"- {what}: {text}" for what, text in record.budget.rows())


def _training(record: TrainRecord) -> str:
    settings = {
        "loss": _part(record, "loss"),
        "bands": record.setting("bands"),
        "weight perturbation (AWP)": record.setting("awp.gamma"),
        "activation": record.setting("activation"),
        "optimiser": record.setting("optimizer"),
        "schedule": _part(record, "schedule"),
        "epochs": record.setting("epochs"),
        "batch size": record.setting("batch_size"),
        "moving average of the weights": record.setting("ema"),
        "epoch kept by": record.setting("selection.by"),
        "data": {key: value for key, value in (record.setting("data") or {}).items() if value is not None},
    }
    lines = [f"- {name}: {words(value)}" for name, value in settings.items() if value not in (None, {})]
    lines += [f"- {extension_text(line)}" for line in record.extensions]
    return "## Training\n\n" + "\n".join(lines)


def _use(record: TrainRecord) -> str:
    if record.result.get("learned_nothing"):
        return ""
    evaluate, check = (command for command, _ in next_commands(record)[:2])
    path = str(record.path)
    python = (
        "import torch\nfrom pathlib import Path\nfrom wsrnas.models import load_run\n\n"
        f"model = load_run(Path({path!r}))  # in eval mode\n"
        "with torch.no_grad():\n    classes = model(images).argmax(dim=1)  # images (B,C,H,W), float32 in [0,1]"
    )
    return f"## Use\n\n```python\n{python}\n```\n\n```\n{evaluate}\n{check}\n```"


def _limits(record: TrainRecord) -> str:
    largest = record.result.get("strength")
    trained = "" if largest is None else f" Noise beyond L∞ {format_strength(float(largest))} was not trained at."
    return (
        "## Limits\n\n"
        "- One training with one seed: another seed gives another network, and other numbers.\n"
        f"- Robustness is empirical, against the attacks it was measured with; it is no certificate.{trained}\n"
        "- It says nothing about other kinds of change to an image, or about images unlike those trained on."
    )


def _part(record: TrainRecord, part: str) -> str:
    settings = words(record.setting(f"{part}.settings") or {})
    return f"{record.setting(f'{part}.name')} ({settings})" if settings else str(record.setting(f"{part}.name"))
