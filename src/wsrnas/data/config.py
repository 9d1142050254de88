"""Which data, how it is divided and how it reaches the network: plain values, as written in a recipe."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from wsrnas.data.text import tidy
from wsrnas.errors import nearest, refuse

AugmentName = Literal["auto", "none", "shift", "crop-flip", "imagenet", "imagenet-jitter"]
Pipeline = Literal["auto", "memory", "workers"]


@dataclass(frozen=True)
class KnownData:
    """What is known of a data set that has a name of its own."""

    hub_id: str
    subset: str | None = None
    image_column: str | None = None
    label_column: str | None = None
    test_split: str | None = None
    augment: AugmentName = "crop-flip"
    channels: int | None = None
    image_size: int | None = None
    crop: float = 1.0


KNOWN = {
    "cifar10": KnownData("uoft-cs/cifar10", image_column="img", label_column="label"),
    "cifar100": KnownData("uoft-cs/cifar100", image_column="img", label_column="fine_label"),
    "svhn": KnownData("ufldl-stanford/svhn", subset="cropped_digits", augment="shift"),
    "imagenet": KnownData(
        "ILSVRC/imagenet-1k", test_split="validation", augment="imagenet", channels=3, image_size=224, crop=0.875
    ),
}
NAMES = ("digits", *KNOWN, "folder", "parquet")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which data a run sees; everything but the seed.

    Attributes:
        name: digits (embedded), cifar10, cifar100, svhn, imagenet, any Hugging Face hub id (``owner/name``), folder
            (class sub-folders) or parquet (files in the hub's schema).
        root: a local folder to read instead of the hub: class sub-folders, optionally under train/ and test/ (or
            val/), or train*.parquet and test*.parquet; nothing is then downloaded. Needed by folder and parquet.
        subset: the configuration of a hub data set that has several.
        image_column: the column of images; None finds it.
        label_column: the column of labels; None finds it.
        class_names: names of the classes in their order, separated by commas (or semicolons, where a name holds a
            comma): the order of class folders and words, or what the whole-number labels 0, 1, ... mean. None takes
            the data's own names, words in natural order (1, 2, 10).
        valid_fraction: share of the training set held out as D_v, in [0,1), by class; the rest is D_t.
        train_limit: images of D_t to use, a seeded subset with classes as equal as they can be; None uses all.
        valid_limit: the same for D_v.
        test_limit: the same for the test set; its choice does not depend on the run's seed.
        image_size: side in pixels that images are resized to (centre square, bilinear); None leaves them as they
            are, and then all must have one size. 224 for imagenet where None.
        crop: share of the centre square's side that is kept when resizing; None is 0.875 for imagenet, else 1.
        channels: 1 (colour is reduced to luma) or 3 (grey is repeated, alpha dropped); None keeps what the images
            have, and then all must agree (imagenet: 3).
        augment: none, shift (random crop after zero padding by an eighth of the side), crop-flip (the same and
            mirrored half of the time), imagenet (random resized crop and mirror), imagenet-jitter (and colours), or
            auto: crop-flip for CIFAR, imagenet for ImageNet, shift for all else, because digits and letters must not
            be mirrored.
        pipeline: memory (decoded once, kept as uint8 on the device), workers (decoded by worker processes each
            time) or auto: memory where D_t and D_v decoded take at most `memory_bytes`.
        memory_bytes: the most bytes of decoded images that auto keeps in memory.
        workers: decoding processes; None is one per processor, at most 8; 0 decodes in the main process.
        cache_dir: Hugging Face's cache folder; None is its own default.
    """

    name: str = "digits"
    root: str | None = None
    subset: str | None = None
    image_column: str | None = None
    label_column: str | None = None
    class_names: str | None = None
    valid_fraction: float = 0.5
    train_limit: int | None = None
    valid_limit: int | None = None
    test_limit: int | None = None
    image_size: int | None = None
    crop: float | None = None
    channels: int | None = None
    augment: AugmentName = "auto"
    pipeline: Pipeline = "auto"
    memory_bytes: int = 2 * 2**30
    workers: int | None = None
    cache_dir: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that no data could make right."""
        if self.name not in NAMES and "/" not in self.name:
            remedy = f"{nearest(self.name, NAMES)} (or a Hugging Face id, owner/name)"
            refuse("data.name", expected="a data set name", got=self.name, remedy=remedy)
        if self.root is None and self.name in ("folder", "parquet"):
            refuse("data.root", expected=f"a folder for data.name={self.name}", got=None, remedy="pass --data.root DIR")
        if self.root is not None and self.name == "digits":
            refuse("data.root", expected="none for the embedded digits", got=self.root, remedy="set --data.name folder")
        if self.class_names is not None and (len(self.named) < 2 or len(set(self.named)) < len(self.named)):
            remedy = "separate the names by commas, or by semicolons where a name holds a comma"
            refuse("data.class_names", expected="two or more different names", got=self.class_names, remedy=remedy)
        if not 0 <= self.valid_fraction < 1:
            remedy = "0.5 gives D_t and D_v the same size"
            refuse("data.valid_fraction", expected="a share in [0,1)", got=self.valid_fraction, remedy=remedy)
        for field in ("train_limit", "valid_limit", "test_limit", "image_size", "memory_bytes"):
            value = getattr(self, field)
            if value is not None and value < 1:
                refuse(f"data.{field}", expected="a positive whole number or null", got=value, remedy="leave it out")
        if self.valid_limit is not None and self.valid_fraction == 0:
            remedy = "raise --data.valid_fraction"
            refuse("data.valid_limit", expected="none where nothing is held out", got=self.valid_limit, remedy=remedy)
        if self.crop is not None and not 0 < self.crop <= 1:
            refuse("data.crop", expected="a share in (0,1]", got=self.crop, remedy="1 keeps the whole centre square")
        if self.channels not in (None, 1, 3):
            refuse("data.channels", expected="1, 3 or null", got=self.channels, remedy="leave it out")
        if self.workers is not None and self.workers < 0:
            refuse("data.workers", expected="0 or more processes", got=self.workers, remedy="0 decodes in this process")

    @property
    def known(self) -> KnownData | None:
        """Return what is known of the named data set."""
        return KNOWN.get(self.name)

    @property
    def named(self) -> tuple[str, ...]:
        """Return the class names that were given, none where there were none."""
        given = (self.class_names or "").strip()
        if given.startswith("[") and given.endswith("]"):
            given = given[1:-1]
        names = (tidy(name.strip()) for name in given.split(";" if ";" in given else ","))
        return tuple(name for name in names if name)

    @property
    def size(self) -> int | None:
        """Return the side images are resized to, the named data set's own where none is given."""
        return self.image_size or (self.known.image_size if self.known else None)

    @property
    def kept_share(self) -> float:
        """Return the share of the centre square that is kept."""
        return self.crop if self.crop is not None else (self.known.crop if self.known else 1.0)

    @property
    def wanted_channels(self) -> int | None:
        """Return the channel count asked for, the named data set's own where none is."""
        return self.channels or (self.known.channels if self.known else None)

    @property
    def worker_count(self) -> int:
        """Return the number of decoding processes."""
        if self.workers is not None:
            return self.workers
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return min(8, available)
