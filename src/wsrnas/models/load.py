"""Any classifier by name: a run folder, `package.module:callable`, an ONNX file, or a name of the zoo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from wsrnas import zoo
from wsrnas.data import NetworkClasses
from wsrnas.errors import InputError, refuse
from wsrnas.files import is_file, is_folder
from wsrnas.models.classifier import Classifier
from wsrnas.models.module import as_module
from wsrnas.models.network import FILE, REMEDY, NetworkSpec, read_class_names, read_network
from wsrnas.models.onnx_model import OnnxModel
from wsrnas.models.python import from_python
from wsrnas.models.weights import load_weights
from wsrnas.spaces.read import is_genotype_text

FORMS = "a run folder, package.module:callable, a .onnx file or a zoo name"


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedModel:
    """A classifier ready to be evaluated, in eval mode, and what to say about it.

    `classes` are its outputs and what they are called, where its run folder says so.
    """

    model: nn.Module
    name: str
    differentiable: bool = True
    note: str = ""
    classes: NetworkClasses | None = None


def load_model(spec: str, *, weights: str | Path | None = None) -> LoadedModel:
    """Load a classifier.

    Args:
        spec: a run folder (`network.json` and `model.safetensors`), ``package.module:callable``, a ``.onnx`` file, or
            a name of the zoo.
        weights: a .safetensors or .pt file with a state dict; only tensors are read from it.

    Raises:
        InputError: nothing of that form, a file that is missing or damaged, or weights of another network.
    """
    path = Path(spec)
    if is_genotype_text(spec):
        remedy = "train it first: `wsrnas train --arch` takes the same text"
        refuse("model", expected=FORMS, got="a genotype, which has no weights", remedy=remedy)
    if is_folder(path):
        model, said = _run_network(path, weights)
        return LoadedModel(model=model, name=path.name or str(path), note=said, classes=run_classes(path))
    if path.suffix == ".onnx":
        if weights is not None:
            refuse("--weights", expected="none with an ONNX file, which holds them", got=str(weights))
        onnx = OnnxModel(path)
        note = "An ONNX file gives no gradients: only gradient-free attacks apply, so its robustness is overestimated."
        note = " ".join([note, *onnx.notes])
        return LoadedModel(model=onnx, name=path.stem, differentiable=False, note=note)
    if ":" in spec:
        model = from_python(spec)
    elif not zoo.knows(spec) and (path.suffix or "/" in spec):
        refuse("model", expected=FORMS, got=spec, remedy="check the path")
    else:
        model = zoo.create(zoo.find(spec, expected=FORMS))
    note = "" if ":" in spec else "No --weights were given: the network has random weights."
    if weights is not None:
        note = load_weights(model, Path(weights))
    return LoadedModel(model=as_module(model).eval(), name=spec.rsplit(":", 1)[-1], note=note)


def run_classes(path: Path) -> NetworkClasses:
    """Return the outputs of a run's network and what they are called."""
    count = read_network(path).contract()["num_classes"]
    return NetworkClasses(count=count, names=read_class_names(path))


def load(run: str | Path) -> Classifier:
    """Return the trained network of a run folder, in eval mode, with its class names and input contract.

    It is an ordinary module: images (B,C,H,W) in [0,1] to logits, normalisation inside.

    Raises:
        InputError: no trained network there, or a damaged one.
    """
    path = Path(run)
    network = read_network(path)
    model = load_run(path)
    contract = network.contract()
    return Classifier(model, class_names=read_class_names(path), **contract).eval()


def load_run(path: Path, *, weights: str | Path | None = None) -> nn.Module:
    """Build the network of a run folder from `network.json` and load `model.safetensors` (or `weights`) into it."""
    return _run_network(path, weights)[0]


def _run_network(path: Path, weights: str | Path | None) -> tuple[nn.Module, str]:
    """Return the network of a run folder in eval mode, and what `load_weights` has to say."""
    network, file = read_network(path), Path(weights) if weights is not None else path / "model.safetensors"
    _check_size(network, file)
    model = network.build()
    said = load_weights(model, file)
    return model.eval(), said


def _check_size(network: NetworkSpec, weights: Path) -> None:
    """Refuse a network larger than its file of weights, before memory is taken for it."""
    try:
        count = network.parameters()
    except (RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{FILE}: describes no network that can be built ({error}); {REMEDY}") from error
    size = weights.stat().st_size if is_file(weights) else count
    if count > size:
        refuse(FILE, expected=f"the network of {weights} ({size:,} bytes)", got=f"{count:,} parameters", remedy=REMEDY)
