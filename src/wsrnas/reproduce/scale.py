"""How large an experiment of the paper is made: `scales.yaml`, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from wsrnas.configure import configured, instantiated
from wsrnas.errors import nearest, refuse
from wsrnas.files import parse_settings
from wsrnas.recipes import merged
from wsrnas.search.config import SearchConfig
from wsrnas.studies.noise.config import StudyConfig
from wsrnas.training.config import TrainConfig

Settings = dict[str, Any]
EMBEDDED = "digits"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One entry of `scales.yaml`, which says what each setting means; `root` is the folder that data is read from."""

    name: str
    purpose: str
    ask: bool
    seeds: list[int]
    lines: list[int] | None
    sizes: Settings
    imagenet_sizes: Settings
    train: Settings
    imagenet: Settings
    search: Settings
    timing: Settings
    mixture_batches: int
    evaluate: Settings
    printed: Settings
    corrected: Settings
    root: str | None = field(default=None)

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            refuse("seeds", expected="at least one seed, each once", got=self.seeds)

    def training(self, recipe: str, seed: int, *, imagenet: bool = False) -> TrainConfig:
        """Return a training recipe at this scale, its network's size still the recipe's."""
        over = self.imagenet if imagenet else self.train
        return configured(TrainConfig, "train", recipe, merged(self._rooted(over), {"seed": seed}))

    def searching(self, recipe: str, seed: int, *layers: Mapping[str, Any], timed: bool = False) -> SearchConfig:
        """Return a search recipe at this scale; `layers` are settings laid over it in the end."""
        over = merged(self.search, self.timing) if timed else self.search
        return configured(SearchConfig, "search", recipe, merged(self._rooted(over), {"seed": seed}, *layers))

    def study(self, settings: Settings) -> StudyConfig:
        """Return the study of noise estimators that `printed` or `corrected` describes."""
        return instantiated(StudyConfig, self._rooted(settings))

    def size(self, family: str, *, imagenet: bool = False) -> dict[str, int]:
        """Return width and depth of the networks of a family where they are not their cards'."""
        found: dict[str, int] = (self.imagenet_sizes if imagenet else self.sizes).get(family, {})
        return dict(found)

    def _rooted(self, settings: Settings) -> Settings:
        return settings if self.root is None else merged(settings, {"data": {"root": self.root}})

    @property
    def suite(self) -> str:
        """Return the suite of attacks that networks are evaluated with."""
        return str(self.evaluate.get("suite", "standard"))

    def settings(self) -> Settings:
        """Return everything that runs depend on, as plain values for a run folder."""
        return {key: value for key, value in asdict(self).items() if key not in ("purpose", "ask")}

    def check_root(self) -> None:
        """Refuse a folder of data where the scale runs on embedded images.

        Raises:
            InputError: a root that nothing would be read from.
        """
        names = {one.get("data", {}).get("name") for one in (self.train, self.imagenet, self.search)}
        if self.root is not None and names == {EMBEDDED}:
            remedy = "leave it out, or choose --scale small or paper"
            refuse("--data.root", expected=f"none at scale {self.name}, which runs on embedded digits", got=self.root,
                   remedy=remedy)  # fmt: skip


def named(name: str, *, root: str | None = None) -> Scale:
    """Return a scale by name.

    Raises:
        InputError: no such scale (suggests the nearest), or a data root at a scale of embedded images.
    """
    known = scale_names()
    if name not in known:
        refuse("--scale", expected=" | ".join(known), got=name, remedy=nearest(name, known))
    scale = instantiated(Scale, {"name": name, "root": root, **_stored()[name]})
    scale.check_root()
    return scale


def scale_names() -> tuple[str, ...]:
    """Return the scales, the smallest first."""
    return tuple(_stored())


@cache
def _stored() -> dict[str, Settings]:
    text = files("wsrnas.reproduce").joinpath("scales.yaml").read_text(encoding="utf-8")
    return parse_settings(text, source="scales.yaml")
