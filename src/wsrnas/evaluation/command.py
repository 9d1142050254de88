"""What `wsrnas evaluate`, `wsrnas check` and `wsrnas compare` call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from wsrnas.errors import as_written, nearest, refuse
from wsrnas.evaluation.checks import Verdict, check
from wsrnas.evaluation.comparison.compare import compare
from wsrnas.evaluation.comparison.comparison import Comparison
from wsrnas.evaluation.evaluate import evaluate
from wsrnas.evaluation.folder.report import write_report
from wsrnas.evaluation.images import evaluation_images
from wsrnas.evaluation.protocols import PROTOCOLS
from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.strengths import Strengths
from wsrnas.evaluation.suites import Asked
from wsrnas.files import write_atomic
from wsrnas.models.load import LoadedModel, load_model
from wsrnas.models.module import Wrapped, as_module
from wsrnas.runs.lock import held
from wsrnas.runtime import device_named, processes
from wsrnas.types import Norm

STRENGTHS: dict[Norm, str] = {"Linf": "0,2/255,4/255,8/255,16/255", "L2": "0,0.25,0.5,1,2"}
"""What is measured where no strengths are given."""
EVERY = "both"
FILES = (".onnx", ".safetensors", ".pt2")
"""Endings of files that hold a model, which folders are not called by."""
CHECKED = 256
"""Images that `run_check` looks at where there are so many."""


def run_evaluate(
    run: str | Callable[..., Any] | None = None,
    *,
    model: str | None = None,
    weights: str | None = None,
    strengths: Strengths | None = None,
    protocol: str = "strict",
    suite: str | None = None,
    attacks: Asked | None = None,
    others: Sequence[str] = (),
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
        run: a run folder; its data settings and its folder are the defaults of `data` and `out`. Or a function from
            images to scores, or a module.
        model: instead of `run`: ``package.module:callable``, a .onnx file or a zoo name; `weights` go with it.
        strengths: ``0,2/255,8/255`` or ``1/255:32/255:9``; default: `STRENGTHS` of the norm.
        protocol: strict, released or both.
        suite: see `suites.SUITES`; default "standard", "queries" for models without gradients.
        attacks: instead of a suite, as for `evaluate`: ``pgd:steps=50,fgsm`` or ``package.module:Class``.
        others: run folders or other models of the same classes, which the attack ``transfer`` is crafted on.
        data: settings of `DataConfig` that differ from the run's.
        limit: how many test images, a seeded subset with equal classes; None takes all.
        batch_size: of the strict protocol, and of the released one where it alone is run (25 there by default).
        out: folder written to; default: the run, or `runs/evaluate-<name>`.

    Returns:
        The evaluations by protocol, strict first.

    Raises:
        InputError: as `load_model`, `load_data` and `evaluate` do.
    """
    where = device_named(device)
    choices = (*PROTOCOLS, EVERY)
    if protocol not in choices:
        shown = f"{', '.join(PROTOCOLS)} or {EVERY}"
        refuse("--protocol", expected=shown, got=protocol, remedy=nearest(protocol, choices))
    if attacks is not None and suite is not None:
        refuse("--attacks", expected="either --attacks or --suite", got="both", remedy="leave one of them out")
    wanted = tuple(PROTOCOLS) if protocol == EVERY else (protocol,)
    if callable(run):
        loaded, run, model = _function(run, data), None, model or getattr(run, "__name__", type(run).__name__)
    else:
        loaded = processes.together(partial(_load, run, model, weights))
    if not loaded.differentiable and any(not PROTOCOLS[name].believed for name in wanted):
        refuse("--protocol", expected="strict for a model without gradients", got=protocol)
    sources = _sources(others)
    images, labels, described = processes.together(partial(evaluation_images, run, data, limit, loaded=loaded))
    folder = output_folder(run, model, out)
    found: dict[str, Evaluation] = {}
    with held(folder / "eval"):
        for name in wanted:
            believed = PROTOCOLS[name].believed
            found[name] = evaluate(
                loaded.model,
                images,
                labels,
                STRENGTHS[norm] if strengths is None else strengths,
                protocol=name,
                norm=norm,
                seed=seed,
                attacks=attacks if believed or len(wanted) == 1 else None,
                suite=suite or ("standard" if loaded.differentiable else "queries"),
                others=sources,
                batch_size=batch_size if believed or len(wanted) == 1 else None,
                device=where if loaded.differentiable else None,
                every_image=every_image,
                interval=interval,
                out=folder,
                progress=progress,
            )
        processes.first(lambda: write_report(folder, name=loaded.name, data=described, note=loaded.note))
    return found


def output_folder(run: str | None, model: str | None, out: str | None) -> Path:
    """Return the folder `run_evaluate` writes `eval/` into: `out`, the run itself, or `runs/evaluate-<model>`."""
    if out is not None or (run is not None and Path(run).is_dir()):
        return Path(out or run or "")
    name = Path(model or run or "model")
    return Path(f"runs/evaluate-{name.stem if name.suffix in FILES else name.name.rsplit(':', 1)[-1]}")


def run_check(
    run: str | Callable[..., Any] | None = None,
    *,
    model: str | None = None,
    weights: str | None = None,
    data: Mapping[str, Any] | None = None,
    limit: int | None = None,
    norm: Norm = "Linf",
    others: Sequence[str] = (),
    device: str = "auto",
    out: str | None = None,
    seed: int = 0,
    progress: bool = True,
    write: bool = True,
) -> Verdict:
    """Check a run folder or any model for signs of an overestimated robustness; `Verdict.exit_code` is 0 or 1.

    Args:
        run: a run folder; or a function from images to scores, or a module, whose `data` must be named.
        data: settings of `DataConfig` that differ from the run's.
        limit: how many test images; None takes 256, or all where there are fewer.
        others: run folders or other models of the same classes, whose noise joins the black-box check.
        out: folder whose `eval/checks.json` is written; default: the run folder, if one was given.
        write: False leaves the writing to the caller, who may want to show the verdict first.
    """
    if callable(run):
        loaded, run = _function(run, data), None
    else:
        loaded = _load(run, model, weights)
    sources = _sources(others)
    images, labels, _ = evaluation_images(run, data, limit, loaded=loaded, at_most=CHECKED)
    where = device_named(device)
    place = where if loaded.differentiable else None
    verdict = check(
        loaded.model,
        images,
        labels,
        norm=norm,
        seed=seed,
        limit=len(images),
        others=[source.to(place or "cpu") for source in sources],
        device=place,
        progress=progress,
    )
    if write:
        write_verdict(verdict, out or (run if run is not None and Path(run).is_dir() else None))
    return verdict


def write_verdict(verdict: Verdict, folder: str | None) -> None:
    """Write `eval/checks.json` of a folder; None writes nothing.

    Raises:
        InputError: it cannot be written.
    """
    if folder is not None:
        write_atomic(Path(folder) / "eval" / "checks.json", verdict.to_json() + "\n")


def run_compare(
    runs: Sequence[str],
    *,
    out: str | None = None,
    paper: bool | None = None,
    reference: str | None = None,
    anyway: bool = False,
) -> Comparison:
    """Put evaluated runs, and the paper's rows, into one table and one figure.

    Args:
        runs: run folders with `eval/`.
        out: folder for compare.md, compare.csv, compare.svg and compare.html; None writes nothing.
        paper: add the paper's rows; None adds them beside CIFAR-10 runs.
        reference: the run the others are compared with, image by image; default: the first.
        anyway: compare what cannot be compared, and only say what differs.
    """
    comparison = compare([Path(run) for run in runs], paper=paper, reference=reference, anyway=anyway)
    if out is not None:
        comparison.write(Path(out))
    return comparison


def _load(run: str | None, model: str | None, weights: str | None) -> LoadedModel:
    if (run is None) == (model is None):
        refuse("RUN or --model", expected="exactly one", got="both" if run else "neither")
    return load_model(str(run or model), weights=weights)


def _function(function: Callable[..., Any], data: Mapping[str, Any] | None) -> LoadedModel:
    """Return a function or module as a model; a plain function is asked, never differentiated."""
    if "name" not in (data or {}):
        remedy = 'such as data={"name": "folder", "root": "photos"}'
        refuse("data", expected="a data set for a function", got="none", remedy=remedy)
    module = as_module(function)
    known = not isinstance(module, Wrapped)
    note = "" if known else "A function gives no gradients: its robustness is overestimated."
    return LoadedModel(model=module, name=getattr(function, "__name__", "model"), differentiable=known, note=note)


def _sources(others: Sequence[str]) -> list[nn.Module]:
    """Return other models to make noise on, in eval mode."""
    with as_written({"model": "--others"}):
        sources = [load_model(other) for other in others]
    if without := [source.name for source in sources if not source.differentiable]:
        refuse("--others", expected="models with gradients, to make noise on", got=", ".join(without))
    return [source.model for source in sources]
