"""Any classifier by name: a run folder, an exported file, a name of a hub or the zoo, or `package.module:callable`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from wsrnas import zoo
from wsrnas.data import NetworkClasses
from wsrnas.errors import refuse
from wsrnas.files import is_file, is_folder
from wsrnas.models.classifier import Classifier
from wsrnas.models.description import Description
from wsrnas.models.exported import is_exported, load_exported
from wsrnas.models.module import as_module
from wsrnas.models.network import FILE, read_class_names, read_network
from wsrnas.models.onnx_model import OnnxModel
from wsrnas.models.outside import OUTSIDE, load_outside
from wsrnas.models.python import from_python
from wsrnas.models.size import check_size
from wsrnas.spaces.read import is_genotype_text
from wsrnas.weights import find_weights, load_weights

FORMS = "a run folder, package.module:callable, a .onnx, .safetensors or .pt2 file, timm:NAME, hf:NAME or a zoo name"

_OF_A_FILE = (
    "name the network and pass the file as --weights; TorchScript holds code, which is not run from a file: "
    "name a function of yours that returns torch.jit.load(…)"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedModel:
    """A classifier ready to be evaluated, in eval mode, and what to say about it.

    `classes` are its outputs and what they are called, where that is known; `data` are settings of the data that it is
    for: defaults of what it is evaluated on.
    """

    model: nn.Module
    name: str
    differentiable: bool = True
    note: str = ""
    classes: NetworkClasses | None = None
    data: dict[str, Any] = field(default_factory=dict)


def load_model(spec: str, *, weights: str | Path | None = None) -> LoadedModel:
    """Load a classifier.

    Args:
        spec: a run folder (`network.json` and `model.safetensors`), what `wsrnas export` made (a ``.safetensors``,
            ``.pt2`` or ``.onnx`` file, or a folder for a hub), any other ``.onnx`` file, ``package.module:callable``,
            ``timm:NAME`` or ``hf:NAME`` of other libraries, a network that comes with wsrnas, ``user/name`` of a hub,
            or a name of the zoo.
        weights: a .safetensors or .pt file with a state dict; only tensors are read from it.

    Raises:
        InputError: nothing of that form, a file that is missing or damaged, or weights of another network.
    """
    path = Path(spec)
    if is_genotype_text(spec):
        remedy = "train it first: `wsrnas train --arch` takes the same text"
        refuse("model", expected=FORMS, got="a genotype, which has no weights", remedy=remedy)
    if is_folder(path) and not is_exported(spec):
        model, said = _run_network(path, weights)
        return LoadedModel(model=model, name=path.name or str(path), note=said, classes=run_classes(path))
    if path.suffix == ".onnx":
        if weights is not None:
            refuse("--weights", expected="none with an ONNX file, which holds them", got=str(weights))
        onnx = OnnxModel(path)
        note = "An ONNX file gives no gradients: only gradient-free attacks apply, so its robustness is overestimated."
        note = " ".join([note, *onnx.notes])
        described = onnx.description
        if described is None:
            return LoadedModel(model=onnx, name=path.stem, differentiable=False, note=note)
        return _described(onnx, described, path.stem, differentiable=False, note=note)
    if spec.startswith(OUTSIDE):
        if weights is not None:
            refuse("--weights", expected="none with a model of another library", got=str(weights))
        return _with_contract(load_outside(spec), spec)
    if is_exported(spec):
        if weights is not None:
            refuse("--weights", expected="none with a model that comes with its own", got=str(weights))
        model, description = load_exported(spec)
        return _described(model, description, path.name)
    if ":" in spec:
        model = from_python(spec)
    elif not zoo.knows(spec) and (path.suffix or "/" in spec):
        refuse("model", expected=FORMS, got=spec, remedy=_OF_A_FILE if is_file(path) else "check the path")
    else:
        model = zoo.create(zoo.find(spec, expected=FORMS))
    note = "" if ":" in spec else "No --weights were given: the network has random weights."
    if weights is not None:
        note = load_weights(model, Path(weights))
    return LoadedModel(model=as_module(model).eval(), name=spec.rsplit(":", 1)[-1], note=note)


def check_spec(spec: str, *, argument: str = "model") -> None:
    """Refuse what `load_model` would not know what to do with; nothing is built, but weights of a hub are fetched.

    Raises:
        InputError: nothing of that form, or a hub that does not have it.
    """
    if is_exported(spec):
        if not is_file(spec):
            find_weights(spec, argument=argument)
    elif not (is_folder(spec) or is_file(spec) or ":" in spec or zoo.knows(spec)):
        refuse(argument, expected=FORMS, got=spec, remedy="check the path")


def run_classes(path: Path) -> NetworkClasses:
    """Return the outputs of a run's network and what they are called."""
    count = read_network(path).contract()["num_classes"]
    return NetworkClasses(count=count, names=read_class_names(path))


def load(spec: str | Path) -> Classifier:
    """Return a trained network in eval mode, with its class names and input contract.

    It is an ordinary module: images (B,C,H,W) in [0,1] to logits, normalisation inside.

    Args:
        spec: a run folder, what `wsrnas export` made (``.safetensors``, ``.pt2``, ``.onnx``, a folder for a hub), a
            network that comes with wsrnas (``wsrnas zoo list`` names them), ``user/name`` of a hub, or ``timm:NAME`` or
            ``hf:NAME`` of other libraries. An ONNX file has no gradients.

    Raises:
        InputError: no trained network there, or a damaged one.
    """
    text, path = str(spec), Path(spec)
    if path.suffix == ".onnx":
        return _onnx(OnnxModel(path), path)
    if text.startswith(OUTSIDE):
        return load_outside(text)
    if is_exported(text):
        return Classifier.described(*load_exported(text))
    if not path.exists() and zoo.knows(text):
        remedy = f"`wsrnas train --arch {text}` makes some; zoo.create({text!r}) builds it without"
        refuse("model", expected="a network with weights", got=f"{text}, which has none", remedy=remedy)
    return Classifier.described(load_run(path), Description.of_run(path))


def _onnx(model: OnnxModel, path: Path) -> Classifier:
    if model.description is not None:
        return Classifier.described(model, model.description)
    shape, classes = model.image_shape, model.num_classes
    if shape is None or classes is None:
        remedy = "export it with sizes: only the batch may be open"
        refuse("model", expected="an ONNX file that says the size of its images and how many classes it has",
               got=str(path), remedy=remedy)  # fmt: skip
    return Classifier(model, num_classes=classes, image_shape=shape).eval()


def _described(model: nn.Module, description: Description, name: str, **more: Any) -> LoadedModel:
    count = description.network.contract()["num_classes"]
    classes = NetworkClasses(count=count, names=description.class_names)
    return LoadedModel(model=model, name=name, classes=classes, data=description.data or {}, **more)


def _with_contract(found: Classifier, spec: str) -> LoadedModel:
    """Return another library's classifier with the size of its images as the default of the data."""
    share = found.preprocessing.kept_share
    return LoadedModel(
        model=found.network.eval(),
        name=spec.replace(":", "-").replace("/", "-"),
        classes=NetworkClasses(count=found.num_classes, names=found.class_names),
        data={"image_size": found.image_shape[1], "channels": found.image_shape[0], "crop": share},
    )


def load_run(path: Path, *, weights: str | Path | None = None) -> nn.Module:
    """Build the network of a run folder from `network.json` and load `model.safetensors` (or `weights`) into it."""
    return _run_network(path, weights)[0]


def _run_network(path: Path, weights: str | Path | None) -> tuple[nn.Module, str]:
    """Return the network of a run folder in eval mode, and what `load_weights` has to say."""
    network, file = read_network(path), Path(weights) if weights is not None else path / "model.safetensors"
    check_size(network, file, source=FILE)
    model = network.build()
    said = load_weights(model, file)
    return model.eval(), said
