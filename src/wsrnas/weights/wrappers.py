"""What other programs wrap around a state dict: keys that it lies under, prefixes on its names, older names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor
from torch.nn.parameter import is_lazy

from wsrnas.errors import refuse

PLAIN = frozenset({
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "_orig_mod", "params",
    "weights", "classifier", "backbone", "encoder", "state",
})  # fmt: skip
"""Keys and prefixes that say nothing of which network it is; `ema` or `teacher` say that there may be another."""
OFTEN_MISSING = "num_batches_tracked"
OFTEN_BESIDE = "n_averaged"
SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Found:
    """Tensors by the network's names, and what was taken off or left out, in words."""

    state: dict[str, Tensor]
    keys: tuple[str, ...] = ()
    prefix: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """What was taken off, in words."""
        under = f"under {' → '.join(repr(key) for key in self.keys)}" if self.keys else ""
        prefix = f"{self.prefix!r} taken off the names" if self.prefix else ""
        return ", ".join(text for text in (under, prefix) if text)

    @property
    def plain(self) -> bool:
        """Whether what was taken off says nothing of which network it is."""
        return {*self.keys, *filter(None, self.prefix.split("."))} <= PLAIN


def fitting(
    wanted: Mapping[str, Tensor], states: Sequence[tuple[tuple[str, ...], Mapping[str, Tensor]]], *, source: str
) -> Found:
    """Return the tensors that fit a network in name and shape, from mappings and the keys that lead to them.

    Raises:
        InputError: none fits (names what differs in the one that comes nearest), or several do and none is the plain
            one.
    """
    if not states:
        remedy = "save model.state_dict()"
        refuse("--weights", expected="a state dict of tensors", got=source, remedy=remedy)
    found = [one for keys, state in states for one in _with_prefix(wanted, keys, state)]
    good = [one for one in found if not _differences(wanted, one.state)]
    if not good:
        nearest = min(found, key=lambda one: sum(map(len, _differences(wanted, one.state).values())))
        remedy = "the file belongs to a network of another kind or size"
        refuse("--weights", expected="the network's own tensors", got=_words(wanted, nearest.state), remedy=remedy)
    plain = [one for one in good if one.plain]
    if not plain and len(good) > 1:
        got = " and ".join(one.label for one in good[:SHOWN])
        remedy = "save the state dict that is meant in a file of its own"
        refuse("--weights", expected="one network", got=f"{len(good)} in {source}: {got}", remedy=remedy)
    best = (plain or good)[0]
    others = [one.label for one in good if one is not best]
    said = [text for text in (best.label, f"not taken: {', '.join(others[:SHOWN])}" if others else "") if text]
    state = {name: tensor for name, tensor in best.state.items() if name in wanted}
    return Found(state=state, keys=best.keys, prefix=best.prefix, said=[*said, *best.said])


def _with_prefix(wanted: Mapping[str, Tensor], keys: tuple[str, ...], state: Mapping[str, Tensor]) -> list[Found]:
    """Return readings of a mapping: names as they are, and without each prefix that leads to the network's names."""
    as_it_is = Found(state=dict(state), keys=keys)
    if not _differences(wanted, as_it_is.state):
        return [as_it_is]
    lead = _lead([_core(name) for name in wanted])
    own = {_core(name).removeprefix(lead): name for name in wanted}
    if len(own) < len(wanted):
        own = {name: name for name in wanted}
    core = {name: _core(name) for name in state}
    if len(set(core.values())) < len(core):
        core = {name: name for name in state}
    probe = max(own, key=len)
    ends = (name.removesuffix(probe) for name in core.values() if name == probe or name.endswith(f".{probe}"))
    found = [as_it_is]
    for prefix in dict.fromkeys(["", *ends]):
        inside = {name: core[name].removeprefix(prefix) for name in state if core[name].startswith(prefix)}
        renamed = {own.get(short, short): state[name] for name, short in inside.items()}
        beside = [name for name in state if name not in inside and name != OFTEN_BESIDE]
        compiled = any("_orig_mod." in name for name in inside) and not any("_orig_mod." in name for name in wanted)
        said = [f"left out: {', '.join(beside[:SHOWN])}{' …' if len(beside) > SHOWN else ''}"] if beside else []
        full = f"_orig_mod.{prefix}" if compiled else prefix
        found.append(Found(state=renamed, keys=keys, prefix=full, said=said))
    return found


def _lead(names: Sequence[str]) -> str:
    """Return the wrappers that all names of a network begin with, as those of one that is data-parallel itself."""
    parts = [name.split(".")[:-1] for name in names]
    lead = []
    for place in zip(*parts):
        if len(set(place)) > 1 or place[0] not in PLAIN:
            break
        lead.append(f"{place[0]}.")
    return "".join(lead)


def _core(name: str) -> str:
    """Return a name without what compiling puts into it; torch keeps this word for itself."""
    return ".".join(part for part in name.split(".") if part != "_orig_mod")


def _differences(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, list[str]]:
    missing = [name for name in wanted if name not in state and not name.endswith(OFTEN_MISSING)]
    extra = [name for name in state if name not in wanted and name != OFTEN_BESIDE]
    both = (name for name in wanted if name in state and not is_lazy(wanted[name]))
    shapes = [name for name in both if wanted[name].shape != state[name].shape]
    found = {"missing": missing, "not in the network": extra, "another shape": shapes}
    return {word: sorted(names) for word, names in found.items() if names}


def _words(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    parts = []
    for word, names in _differences(wanted, state).items():
        shown = [
            f"{name} {tuple(state[name].shape)} for {tuple(wanted[name].shape)}" if word == "another shape" else name
            for name in names[:SHOWN]
        ]
        parts.append(f"{word} {', '.join(shown)}{' …' if len(names) > SHOWN else ''}")
    return "; ".join(parts)
