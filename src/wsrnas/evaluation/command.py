"""What `wsrnas evaluate`, `wsrnas check` and `wsrnas compare` call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml

from wsrnas.data import DataConfig, load_data
from wsrnas.errors import InputError, nearest, refuse
from wsrnas.evaluation.checks import Verdict, check
from wsrnas.evaluation.compare import Comparison, compare
from wsrnas.evaluation.evaluate import evaluate
from wsrnas.evaluation.report import write_report
from wsrnas.evaluation.result import Evaluation
from wsrnas.files import write_atomic
from wsrnas.models.load import LoadedModel, load_model
from wsrnas.runtime import Runtime, RuntimeConfig
from wsrnas.types import Images, Labels, Norm

STRENGTHS = "0,2/255,4/255,8/255,16/255"
CHOICES = ("strict", "released", "both")


def run_evaluate(
    run: str | None = None,
    *,
    model: str | None = None,
    weights: str | None = None,
    strengths: str = STRENGTHS,
    protocol: str = "strict",
    suite: str | None = None,
    norm: Norm = "Linf",
    data: Mapping[str, Any] | None = None,
    limit: int | None = None,
    interval: float | None = None,
    every_image: bool = False,
    batch_size: int | None = None,
    device: str = "auto",
    out: str | None = None,
    seed: int = 0,
    progress: bool = True,
) -> dict[str, Evaluation]:
    """Evaluate a run folder or any model on test images and write `eval/`: tables, figures, `eval/report.html`.

    Args:
        run: a run folder; its data settings and its folder are the defaults of `data` and `out`.
        model: instead of `run`: ``package.module:callable``, a .onnx file or a zoo name; `weights` go with it.
        strengths: ``0,2/255,8/255`` or ``1/255:32/255:9``.
        protocol: strict, released or both.
        data: settings of `DataConfig` that differ from the run's.
        suite: see `suites.SUITES`; default "standard", "black-box" for models without gradients.
        limit: how many test images, a seeded subset with equal classes; None takes all.
        batch_size: of the strict protocol, and of the released one where it alone is run (25 there by default).
        out: folder written to; default: the run, or `runs/evaluate-<name>`.

    Returns:
        The evaluations by protocol, strict first.

    Raises:
        InputError: as `load_model`, `load_data` and `evaluate` do.
    """
    if protocol not in CHOICES:
        refuse("--protocol", expected="strict, released or both", got=protocol, remedy=nearest(protocol, CHOICES))
    loaded = _load(run, model, weights)
    if not loaded.differentiable and protocol != "strict":
        refuse("--protocol", expected="strict for a model without gradients", got=protocol)
    chosen = suite or ("standard" if loaded.differentiable else "black-box")
    images, labels, described = evaluation_images(run, data, limit)
    folder = output_folder(run, model, out)
    where = Runtime(RuntimeConfig(device=device)).device
    found: dict[str, Evaluation] = {}
    for name in ("strict", "released") if protocol == "both" else (protocol,):
        found[name] = evaluate(
            loaded.model,
            images,
            labels,
            strengths,
            protocol=name,
            norm=norm,
            seed=seed,
            suite=chosen,
            batch_size=batch_size if name == "strict" or protocol == "released" else None,
            device=where if loaded.differentiable else None,
            every_image=every_image,
            interval=interval,
            out=folder,
            progress=progress,
        )
    write_report(folder, name=loaded.name, data=described, note=loaded.note)
    return found


def output_folder(run: str | None, model: str | None, out: str | None) -> Path:
    """Return the folder `run_evaluate` writes `eval/` into: `out`, the run itself, or `runs/evaluate-<model>`."""
    name = Path(model or "model")
    return Path(out or run or f"runs/evaluate-{name.stem if name.suffix == '.onnx' else name.name.rsplit(':', 1)[-1]}")


def run_check(
    run: str | None = None,
    *,
    model: str | None = None,
    weights: str | None = None,
    data: Mapping[str, Any] | None = None,
    limit: int = 256,
    norm: Norm = "Linf",
    others: Sequence[str] = (),
    device: str = "auto",
    out: str | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Verdict:
    """Check a run folder or any model for signs of an overestimated robustness; `Verdict.exit_code` is 0 or 1.

    Writes `eval/checks.json` into `out` (default: the run folder, if one was given).

    Args:
        data: settings of `DataConfig` that differ from the run's.
        others: run folders or other models of the same classes, whose noise joins the black-box check.
    """
    loaded = _load(run, model, weights)
    sources = [load_model(other) for other in others]
    if without := [source.name for source in sources if not source.differentiable]:
        refuse("--others", expected="models with gradients, to make noise on", got=", ".join(without))
    images, labels, _ = evaluation_images(run, data, limit)
    where = Runtime(RuntimeConfig(device=device)).device
    place = where if loaded.differentiable else None
    verdict = check(
        loaded.model,
        images,
        labels,
        norm=norm,
        seed=seed,
        others=[source.model.to(place or "cpu") for source in sources],
        device=place,
        progress=progress,
    )
    folder = out or run
    if folder is not None:
        write_atomic(Path(folder) / "eval" / "checks.json", verdict.to_json() + "\n")
    return verdict


def run_compare(
    runs: Sequence[str], *, out: str | None = None, paper: bool | None = None, reference: str | None = None
) -> Comparison:
    """Put evaluated runs, and the paper's rows, into one table and one figure.

    Args:
        runs: run folders with `eval/`.
        out: folder for compare.md, compare.csv, compare.svg and compare.html; None writes nothing.
        paper: add the paper's rows; None adds them beside CIFAR-10 runs.
        reference: the run the others are compared with, image by image; default: the first.
    """
    comparison = compare([Path(run) for run in runs], paper=paper, reference=reference)
    if out is not None:
        comparison.write(Path(out))
    return comparison


def evaluation_images(
    run: str | None, data: Mapping[str, Any] | None, limit: int | None
) -> tuple[Images, Labels, dict[str, Any]]:
    """Return test images and labels, and what to say about them; a run folder's own data settings are the default.

    The settings given, such as a new `root`, change the run's; another data set's name drops all of the run's.
    """
    given = dict(data or {})
    stored = _run_data(run, named="name" in given)
    if given.get("name", stored.get("name")) != stored.get("name"):
        stored = {}
    try:
        config = DataConfig(**{**stored, **given})
    except TypeError as error:
        raise InputError(f"{run}: data settings of another version ({error}); pass --data.* options") from error
    if limit is not None:
        config = replace(config, test_limit=limit)
    bundle = load_data(config, seed=0)
    split = bundle.test
    images, labels = split.fetch(torch.arange(len(split)))
    return images, labels, {"name": bundle.name, "images": len(split), "classes": list(bundle.class_names)}


def _run_data(run: str | None, *, named: bool) -> dict[str, Any]:
    settings = None if run is None else Path(run) / "config.yaml"
    if settings is None or not settings.is_file():
        return {}
    stored = (yaml.safe_load(settings.read_text()) or {}).get("data")
    if isinstance(stored, dict):
        return stored
    if named:
        return {}
    refuse("--data.name", expected="a data set", got="none", remedy=f"{settings} names none; pass --data.name")


def _load(run: str | None, model: str | None, weights: str | None) -> LoadedModel:
    if (run is None) == (model is None):
        refuse("RUN or --model", expected="exactly one", got="both" if run else "neither")
    return load_model(str(run or model), weights=weights)
