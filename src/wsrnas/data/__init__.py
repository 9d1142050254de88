"""Data sets, splits and augmentation."""

from wsrnas.data.augment import Augment, ResizedCrop, Shift
from wsrnas.data.classes import NetworkClasses
from wsrnas.data.config import DataConfig
from wsrnas.data.load import load_data
from wsrnas.data.preprocessing import Preprocessing
from wsrnas.data.split import DataBundle, Split

__all__ = [
    "Augment",
    "DataBundle",
    "DataConfig",
    "NetworkClasses",
    "Preprocessing",
    "ResizedCrop",
    "Shift",
    "Split",
    "load_data",
]
