"""Any classifier by name, file or run folder."""

from wsrnas.models.classifier import Classifier
from wsrnas.models.load import LoadedModel, load, load_model, load_run
from wsrnas.models.module import as_module
from wsrnas.models.network import (
    ActivatedNetwork,
    EnsembleNetwork,
    GenotypeNetwork,
    NamedNetwork,
    NetworkSpec,
    SizeConfig,
)

__all__ = [
    "ActivatedNetwork",
    "Classifier",
    "EnsembleNetwork",
    "GenotypeNetwork",
    "LoadedModel",
    "NamedNetwork",
    "NetworkSpec",
    "SizeConfig",
    "as_module",
    "load",
    "load_model",
    "load_run",
]
