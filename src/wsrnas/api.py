"""The Python API: every command of the command line as one function with typed results.

The command line only parses and calls these. `wsrnas.search(…)`, `wsrnas.train(…)` and so on are the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from wsrnas.configure import configured
from wsrnas.data import load_data
from wsrnas.errors import refuse
from wsrnas.evaluation.checks import Verdict
from wsrnas.evaluation.checks import check as check_model
from wsrnas.evaluation.command import run_check, run_evaluate
from wsrnas.evaluation.folder.report import write_report
from wsrnas.evaluation.result import Evaluation
from wsrnas.export.push import push
from wsrnas.export.run import export
from wsrnas.models.classifier import Classifier
from wsrnas.models.load import load
from wsrnas.models.named import network_spec, read_arch, size_of
from wsrnas.models.predict import Prediction
from wsrnas.models.predict import predict as predict_pictures
from wsrnas.reproduce import reproduce
from wsrnas.runs import kind_of
from wsrnas.runtime import device_named, processes
from wsrnas.search.report.asked import Asked, check_sections
from wsrnas.search.report.page import write_search_report
from wsrnas.search.run import search
from wsrnas.sweeps.sweep import sweep
from wsrnas.training.config import TrainConfig
from wsrnas.training.report.page import write_train_report
from wsrnas.training.train import TrainResult
from wsrnas.training.train import train as train_network

__all__ = ["check", "evaluate", "export", "load", "predict", "push", "report", "reproduce", "search", "sweep", "train"]


def train(
    architecture: str | Path, recipe: str | TrainConfig = "pgd-digits", *, out: str | Path, **settings: Any
) -> TrainResult:
    """Train an architecture adversarially, or go on with a training, and return what was kept.

    ``train("advrush", "pgd7-cifar10", out="runs/b", epochs=50, loss={"settings": {"steps": 10}})``

    Args:
        architecture: a name of the zoo, a genotype file, the folder of a search, or published genotype text.
        recipe: a shipped recipe, a YAML file such as a run's own config.yaml, or a whole configuration.
        out: run folder; the same call in the same folder resumes.
        settings: of `TrainConfig`, nested or dotted (``**{"data.root": "photos"}``).

    Raises:
        InputError: an unknown architecture, recipe or setting, a value that does not fit, or unusable data or folder.
    """
    config = recipe if isinstance(recipe, TrainConfig) else configured(TrainConfig, "train", recipe, settings)
    said = {key.removeprefix("network.") for key in settings if key.startswith("network.")}
    said |= set(settings.get("network", {}))
    arch = read_arch(str(architecture))
    data = load_data(config.data, config.seed)
    network = network_spec(arch, config.network, data, said=said)
    config = replace(config, network=size_of(network, config.network))
    result = train_network(config, network, out, data=data)
    processes.first(lambda: write_train_report(Path(out)))
    return result


def evaluate(
    run: str | Path | Callable[..., Any] | None = None,
    *,
    model: str | None = None,
    strengths: str | Sequence[float | str] | None = None,
    data: Mapping[str, Any] | None = None,
    **settings: Any,
) -> dict[str, Evaluation]:
    """Measure accuracy over a spectrum of attack strengths, write `eval/`, and return the evaluations by protocol.

    ``evaluate("runs/b", strengths="0,2/255,8/255", protocol="both")["strict"].accuracy``

    Args:
        run: a run folder; its data settings and its folder are the defaults. Or anything else that `wsrnas.load` takes,
            or a function from images (B,C,H,W) in [0,1] to scores (B,classes), such as a service elsewhere: it is
            attacked by queries alone, which are counted (``["strict"].queries``). Data must be named then.
        model: instead of `run`: ``package.module:callable``, a .onnx file or a name of the zoo.
        strengths: radii, as text (``0,2/255,8/255`` or ``1/255:32/255:9``) or as a list; default: those of the norm.
        data: settings of `DataConfig` that differ from the run's.
        settings: of `wsrnas.evaluation.command.run_evaluate`: protocol, suite, norm, limit, out, seed, …

    For a module and tensors at hand there is `wsrnas.evaluation.evaluate(model, images, labels, strengths)`.

    Raises:
        InputError: no such run or model, a folder evaluated with another model, or bad values.
    """
    where = run if run is None or callable(run) else str(run)
    return run_evaluate(where, model=model, strengths=strengths, data=data, **settings)


def predict(
    run: str | Path | Classifier,
    paths: str | Path | Sequence[str | Path],
    *,
    batch_size: int = 128,
    device: str = "auto",
    resize: bool = False,
) -> list[Prediction]:
    """Classify image files and folders of them, read exactly as in the network's training; one prediction a picture.

    ``predict("runs/b", ["cat.jpg", "photos/new"])[0].label``

    Args:
        run: what `wsrnas.load` takes, or what it returned.
        paths: image files, or folders whose images are taken at any depth.
        batch_size: pictures at once.
        device: auto, cpu, cuda or mps; an ONNX file runs on the CPU.
        resize: scale and convert pictures to what the network takes, where its training did not.

    Raises:
        InputError: no trained network, no pictures, or one that is damaged or does not fit; names it.
    """
    model = run if isinstance(run, Classifier) else load(run)
    where = device_named(device)
    return predict_pictures(model, paths, batch_size=batch_size, device=where, resize=resize)


def check(
    run: str | Path | Callable[..., Any] | None = None,
    images: Tensor | None = None,
    labels: Tensor | None = None,
    *,
    model: str | None = None,
    **settings: Any,
) -> Verdict:
    """Look for signs that a measured robustness deceives; the verdict prints well and has an `exit_code`.

    ``check("runs/b")``, or ``check(module, images, labels)`` for a module and tensors at hand.

    Args:
        run: a run folder. Or a module or function; its test data are then named by `data`, or given as tensors.
        images: (B,C,H,W) in [0,1], with `labels` (B,): examined instead of a data set, with the settings of
            `wsrnas.evaluation.check`.
        model: instead of `run`: ``package.module:callable``, a .onnx file or a name of the zoo.
        settings: of `wsrnas.evaluation.command.run_check`: data, limit, norm, others, out, seed, …

    Raises:
        InputError: no such run or model, or a model that no check can be made of.
    """
    if images is not None or labels is not None:
        if images is None or labels is None or not callable(run):
            got = "a name" if not callable(run) else "one of the two"
            refuse("images, labels", expected="both, with a module or function", got=got)
        return check_model(run, images, labels, **settings)
    where = run if run is None or callable(run) else str(run)
    return run_check(where, model=model, **settings)


def report(run: str | Path, *, sections: Asked | None = None) -> Path:
    """Render the page of a run folder again and return its path.

    ``report("runs/a", sections="mine.sections:Leaders")``

    Args:
        run: the folder of a search, a training or an evaluation.
        sections: of your own, for the page of a search; None takes those that it was started with, as far as their
            modules are imported.

    Raises:
        InputError: not a run folder, one without anything to show yet, or sections that it cannot have.
    """
    path = Path(run)
    kind = kind_of(path)
    if sections is not None:
        if kind is not None and kind != "search":
            refuse("sections", expected="the folder of a search", got=f"{run}, a {kind} run", remedy="leave it out")
        check_sections(sections)
    if kind == "train":
        return write_train_report(path)
    if kind in ("study", "reproduce"):
        remedy = f"start the same {kind} command again: finished parts are not made anew"
        what = "a study" if kind == "study" else "a table of the paper"
        refuse("run", expected="a search, a training or an evaluation", got=f"{run}, {what}", remedy=remedy)
    if kind is None and (path / "eval").is_dir() and sections is None:
        return write_report(path)
    return write_search_report(path, sections=sections)
