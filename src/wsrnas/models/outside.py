"""Classifiers of other libraries by name, `timm:NAME` and `hf:NAME`, with their normalisation as first layer."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from wsrnas.data import Preprocessing
from wsrnas.errors import InputError, refuse
from wsrnas.models.classifier import Classifier
from wsrnas.networks.normalize import Normalize

OUTSIDE = ("timm:", "hf:")
PACKAGES = {"timm": "timm", "hf": "transformers"}


class LogitsOf(nn.Module):
    """The logits of a model that answers with an object that holds them."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, classes)."""
        found: Tensor = self.model(pixel_values=images).logits
        return found


def load_outside(spec: str) -> Classifier:
    """Return a pretrained image classifier of timm (``timm:resnet18``) or transformers (``hf:microsoft/resnet-50``).

    Images are scaled like the library does, but always bilinear and of a square. No code of a model's author is run,
    and weights are read as tensors only.

    Raises:
        InputError: the library is not installed, has no such model, or says nothing that can be made use of.
    """
    kind, _, name = spec.partition(":")
    library = _library(PACKAGES[kind], spec)
    try:
        return _of_timm(library, name) if kind == "timm" else _of_transformers(library, name)
    except InputError:
        raise
    except Exception as error:  # whatever another library raises for a name that it does not know, or offline
        reason = " ".join(str(error).split())[:200]
        remedy = f"check the name and the connection, or ask {PACKAGES[kind]} itself which models it has"
        raise InputError(f"model: {spec} cannot be loaded ({type(error).__name__}: {reason}); {remedy}") from error


def _of_timm(timm: Any, name: str) -> Classifier:
    model = timm.create_model(name, pretrained=True)
    config = timm.data.resolve_model_data_config(model)
    return _classifier(
        model,
        shape=tuple(config["input_size"]),
        mean=config["mean"],
        std=config["std"],
        kept_share=config.get("crop_pct") or 1.0,
        classes=model.num_classes,
        names=None,
    )


def _of_transformers(transformers: Any, name: str) -> Classifier:
    options = {"trust_remote_code": False}
    model = transformers.AutoModelForImageClassification.from_pretrained(name, use_safetensors=True, **options)
    processor = transformers.AutoImageProcessor.from_pretrained(name, **options)
    cropped = bool(getattr(processor, "do_center_crop", False)) and getattr(processor, "crop_size", None) is not None
    scaled = _side(processor.size)
    side = _side(processor.crop_size) if cropped else scaled
    normalised = bool(getattr(processor, "do_normalize", True))
    labels = model.config.id2label
    names = [str(labels[place]) for place in sorted(labels)]
    return _classifier(
        LogitsOf(model),
        shape=(int(getattr(model.config, "num_channels", 3)), side, side),
        mean=processor.image_mean if normalised else (0.0,),
        std=processor.image_std if normalised else (1.0,),
        kept_share=min(1.0, side / scaled),
        classes=len(names),
        names=names if len(set(names)) == len(names) else None,
    )


def _classifier(
    model: nn.Module,
    *,
    shape: tuple[int, ...],
    mean: Sequence[float],
    std: Sequence[float],
    kept_share: float,
    classes: int,
    names: Sequence[str] | None,
) -> Classifier:
    if len(shape) != 3 or shape[1] != shape[2] or shape[0] not in (1, 3):
        refuse("model", expected="a model for square images of 1 or 3 channels", got=f"one for {tuple(shape)}")
    return Classifier(
        nn.Sequential(Normalize(mean, std), model),
        num_classes=classes,
        image_shape=(shape[0], shape[1], shape[2]),
        class_names=names,
        preprocessing=Preprocessing(resize=True, convert=True, kept_share=float(kept_share)),
    ).eval()


def _side(size: Any) -> int:
    """Return the side in pixels out of a number, or what transformers calls a size."""
    if isinstance(size, int):
        return size
    return int(size["height"] if "height" in size else size["shortest_edge"])


def _library(package: str, spec: str) -> Any:
    try:
        found = importlib.import_module(package)
    except ImportError as error:
        raise InputError(f"model: {spec} needs {package}, which is not installed; pip install {package}") from error
    return found
