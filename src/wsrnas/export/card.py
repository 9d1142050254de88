"""The model card of a network that is shared: what it is, how robust, measured how, and what it is not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from wsrnas.evaluation.protocols import PROTOCOLS
from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.text import percent, to_markdown
from wsrnas.export.base import Subject
from wsrnas.models.budget import read_budget
from wsrnas.networks.budget import count_budget
from wsrnas.training.report.record import TrainRecord, extension_text, read_train_run, words
from wsrnas.types import format_strength

TAGS = ["adversarial-robustness", "image-classification", "neural-architecture-search", "wsrnas"]
TASK = "image-classification"


def card(subject: Subject, evaluations: Mapping[str, Evaluation]) -> ModelCard:
    """Return the card with its metadata: licence, data, `model-index` with a number and an interval a strength."""
    measured = {name: one for name, one in evaluations.items() if PROTOCOLS[name].believed}
    record = _record(subject.run)
    parts = [
        f"# {subject.name}",
        _summary(subject, record),
        *(_curve(one) for one in measured.values()),
        "" if measured else "## Robustness\n\nNobody has measured it yet: `wsrnas evaluate` does.",
        _budget(subject),
        _training(record, subject),
        _use(),
        _limits(subject, record, measured),
    ]
    text = "\n\n".join(part.strip() for part in parts if part)
    return ModelCard(f"---\n{_metadata(subject, measured).to_yaml()}\n---\n\n{text}\n")


def _metadata(subject: Subject, measured: dict[str, Evaluation]) -> ModelCardData:
    data = _data(subject)
    results = [
        EvalResult(
            task_type=TASK,
            dataset_type=data,
            dataset_name=data,
            dataset_split="test",
            metric_type="accuracy",
            metric_name=f"{name} accuracy under attack, {one.norm} {one.text(row)}" if strength else "accuracy",
            metric_value=round(100 * one.accuracy[row], 2),
            metric_args={
                "strength": strength,
                "norm": one.norm,
                "interval_95": [round(100 * one.ci_low[row], 2), round(100 * one.ci_high[row], 2)],
                "images": one.images,
                "attacks": list(one.attacks),
            },
        )
        for name, one in measured.items()
        for row, strength in enumerate(one.strengths)
    ]
    more: dict[str, Any] = {"license": subject.licence} if subject.licence else {}
    return ModelCardData(
        library_name="wsrnas",
        pipeline_tag=TASK,
        tags=TAGS,
        datasets=[data] if "/" in data else None,
        model_name=subject.name,
        eval_results=results or None,
        **more,
    )


def _summary(subject: Subject, record: TrainRecord | None) -> str:
    described = subject.description.network.to_dict()
    count = subject.description.network.parameters()
    channels, height, width = subject.model.image_shape
    names = subject.model.labels
    shown = ", ".join(names[:20]) + (f" … ({len(names)})" if len(names) > 20 else "")
    architecture = record.architecture if record else str(described.get("name", described["kind"]))
    return (
        f"An image classifier: {architecture}, {count:,} parameters, trained on {_data(subject)}. Images go in as "
        f"float32 (batch, {channels}, {height}, {width}) in [0,1]; normalisation is the first layer; logits come "
        "out.\n\n"
        f"- classes: {shown}\n- pictures: {_pictures(subject)}"
    )


def _pictures(subject: Subject) -> str:
    own = subject.model.preprocessing
    _, height, width = subject.model.image_shape
    said = ["turned as their EXIF orientation says"]
    if own.resize:
        share = "" if own.kept_share == 1 else f" ({own.kept_share:.1%} of its side)"
        said.append(f"the centre square{share} scaled to {height}x{width}, bilinear")
    else:
        said.append(f"of {height}x{width} pixels, not scaled")
    return ", ".join([*said, *(["channels converted"] if own.convert else [])])


def _curve(one: Evaluation) -> str:
    rows = [
        ["clean" if strength == 0 else one.text(row), percent(one.accuracy[row]),
         f"[{percent(one.ci_low[row])}, {percent(one.ci_high[row])}]"]
        for row, strength in enumerate(one.strengths)
    ]  # fmt: skip
    doubts = "".join(f"\n\n**Doubt:** {doubt}" for doubt in one.doubts)
    return (
        f"## Robustness, {one.protocol} protocol\n\nAccuracy (%) on {one.images} test images in the worst case over "
        f"{', '.join(one.attacks)}, image by image; {one.norm} strengths in pixels of [0,1]; seed {one.seed}; Wilson "
        f"95 % intervals over the images.\n\n{to_markdown(['strength', 'accuracy', 'interval'], rows)}{doubts}"
    )


def _budget(subject: Subject) -> str:
    measured = None if subject.run is None else read_budget(subject.run)
    found = measured or count_budget(subject.model.network, subject.model.image_shape)
    return "## Cost\n\n" + "\n".join(f"- {what}: {text}" for what, text in found.rows())


def _training(record: TrainRecord | None, subject: Subject) -> str:
    if record is None:
        return ""
    loss = words(record.setting("loss.settings") or {})
    parts = {
        "recipe": record.setting("recipe"),
        "seed": record.setting("seed"),
        "loss": " ".join([str(record.setting("loss.name")), *([f"({loss})"] if loss else [])]),
        "strength trained at": record.result.get("strength"),
        "epochs": record.setting("epochs"),
        "batch size": record.setting("batch_size"),
        "optimiser": record.setting("optimizer"),
        "schedule": record.setting("schedule.name"),
        "activation": record.setting("activation"),
        "moving average of the weights": record.setting("ema"),
        "data": subject.description.data,
        "versions": {name: record.env[name] for name in ("python", "torch", "wsrnas") if name in record.env},
    }
    lines = [f"- {name}: {words(value)}" for name, value in parts.items() if value not in (None, {}, "")]
    return "## Training\n\n" + "\n".join([*lines, *(f"- {extension_text(line)}" for line in record.extensions)])


def _use() -> str:
    lines = [
        "import wsrnas",
        "",
        'model = wsrnas.load("user/name")  # or the folder that holds this file',
        "model(images)  # float32 in [0,1] to logits",
        'wsrnas.predict(model, "picture.png")',
    ]
    code = "\n".join(lines)
    return (
        f"## Use\n\n```python\n{code}\n```\n\n`config.json` says how to build it, what its classes are called and how "
        "pictures become its pixels; `model.safetensors` holds the weights, read as tensors only."
    )


def _limits(subject: Subject, record: TrainRecord | None, measured: dict[str, Evaluation]) -> str:
    trained = record.result.get("strength") if record else None
    tested = sorted({strength for one in measured.values() for strength in one.strengths if strength > 0})
    lines = [
        "Robustness is empirical, against the attacks named above; it is no certificate.",
        "One training with one seed: another seed gives another network, and other numbers.",
        "Nothing is said of other kinds of change to an image, or of images unlike those trained on.",
    ]
    if trained is not None:
        lines.insert(0, f"Noise beyond L∞ {format_strength(float(trained))} was not trained at.")
    elif record is not None:
        lines.insert(0, "It was trained without noise: nothing defends it.")
    if tested:
        lines.insert(0, f"Nothing was tested beyond a strength of {format_strength(tested[-1])}.")
    licence = subject.licence or "nobody has said under which licence it may be used: ask who shared it"
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines) + f"\n\nLicence: {licence}."


def _data(subject: Subject) -> str:
    return str((subject.description.data or {}).get("name", "data that nobody has named"))


def _record(run: Path | None) -> TrainRecord | None:
    return None if run is None or not (run / "metrics.jsonl").is_file() else read_train_run(run)
