"""Any classifier by name: a run folder, `package.module:callable`, an ONNX file, or a name of the zoo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from wsrnas import zoo
from wsrnas.data import NetworkClasses
from wsrnas.errors import refuse
from wsrnas.models.classifier import Classifier
from wsrnas.models.network import read_class_names, read_network
from wsrnas.models.onnx_model import OnnxModel
from wsrnas.models.python import from_python
from wsrnas.models.weights import load_weights

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
    if path.is_dir():
        model = load_run(path, weights=weights)
        return LoadedModel(model=model, name=path.name or str(path), classes=run_classes(path))
    if path.suffix == ".onnx":
        if weights is not None:
            refuse("--weights", expected="none with an ONNX file, which holds them", got=str(weights))
        note = "An ONNX file gives no gradients: only gradient-free attacks apply, so its robustness is overestimated."
        return LoadedModel(model=OnnxModel(path), name=path.stem, differentiable=False, note=note)
    if ":" in spec:
        model = from_python(spec)
    elif not zoo.knows(spec) and (path.suffix or "/" in spec):
        refuse("model", expected=FORMS, got=spec, remedy="check the path")
    else:
        model = zoo.create(zoo.find(spec, expected=FORMS))
    if weights is not None:
        load_weights(model, Path(weights))
    note = "" if weights is not None or ":" in spec else "No --weights were given: the network has random weights."
    return LoadedModel(model=model.eval(), name=spec.rsplit(":", 1)[-1], note=note)


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
    model = read_network(path).build()
    load_weights(model, Path(weights) if weights is not None else path / "model.safetensors")
    return model.eval()
