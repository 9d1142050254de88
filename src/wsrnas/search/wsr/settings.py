"""What distinguishes one Wsr-NAS from another: the settings of the strategy `wsr-nas`, and both presets of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wsrnas.errors import at_least, one_of, refuse
from wsrnas.estimators.loss import LOSS_ESTIMATORS
from wsrnas.parts import PartConfig


@dataclass(frozen=True, kw_only=True)
class WsrSettings:
    """How architectures are sampled, chosen and named.

    Args:
        design: representative (of many uniform samples, those whose labels say most about all of them), largest-first
            (the same after the architecture with the most parameters) or random (uniform; with all-edges
            GumbelSoftmax(A), as the paper); null takes largest-first where candidates are trained alone, against noise,
            else representative.
        sampling: genotype (what is measured is what will be built) or all-edges (GumbelSoftmax(A), as the paper).
        method: propose (ψ names the next architecture) or gradient (A moves by the gradient of Eq. 10, as the paper).
        exploration: share of the search iterations that take a uniform sample instead of a proposal.
        restarts: descents of Eq. 10 through ψ that add candidates to each proposal.
        climbs: candidates from which each proposal goes on over single changes, to where ψ likes none better.
        temperature: τ of the Gumbel softmax.
        step_size: of the update of A (Adam).
        refresh: old labels measured again per iteration, as the shared weights move.
        half_life: iterations after which a label counts half in training ψ; null never discounts.
        memory: capacity of M_v; null holds every label of the search.
        loss_estimator: ψ: gaussian-process, ensemble or lstm (the paper's), or a class of your own.
        loss_estimator_settings: of that estimator, such as {hidden: 16, passes: 500}.
        live_edges_from: number of labels from which the Gaussian process compares live edges of H instead of paths,
            where labels are exact; null never does.
        size: the Gaussian process on paths sees the number of parameters too.
    """

    design: str | None = None
    sampling: str = "genotype"
    method: str = "propose"
    exploration: float = 0.05
    restarts: int = 0
    climbs: int = 4
    temperature: float = 0.1
    step_size: float = 0.1
    refresh: int = 0
    half_life: float | None = None
    memory: int | None = None
    loss_estimator: str = "gaussian-process"
    loss_estimator_settings: dict[str, Any] = field(default_factory=dict)
    live_edges_from: int | None = 30
    size: bool = False

    def __post_init__(self) -> None:
        name = "strategy.settings"
        if self.design is not None:
            one_of(f"{name}.design", self.design, ("largest-first", "representative", "random"))
        one_of(f"{name}.sampling", self.sampling, ("genotype", "all-edges"))
        one_of(f"{name}.method", self.method, ("propose", "gradient"))
        given = ("num_edges", "num_operations", "num_losses", "seed", "paths", "until", "noises")
        psi = PartConfig(name=self.loss_estimator, settings=self.loss_estimator_settings)
        LOSS_ESTIMATORS.kind(self.loss_estimator, argument=f"{name}.loss_estimator")
        LOSS_ESTIMATORS.check(psi, argument=f"{name}.loss_estimator", given=given)
        fitting = {"propose": ("genotype", None), "gradient": ("all-edges", "random")}[self.method]
        for setting, value, wanted in zip(("sampling", "design"), (self.sampling, self.design), fitting):
            if wanted is not None and value != wanted:
                other = "propose" if self.method == "gradient" else "gradient"
                remedy = f"set {name}.{setting} {wanted}, or {name}.method {other}"
                refuse(f"{name}.{setting}", expected=f"{wanted} with method {self.method}", got=value, remedy=remedy)
        for setting in ("restarts", "climbs", "refresh"):
            at_least(0, **{f"{name}.{setting}": getattr(self, setting)})
        for setting, count in (("memory", self.memory), ("live_edges_from", self.live_edges_from)):
            if count is not None:
                at_least(1, **{f"{name}.{setting}": count})
        if not 0 <= self.exploration <= 1:
            refuse(f"{name}.exploration", expected="a share in [0,1]", got=self.exploration)
        for setting in ("temperature", "step_size", "half_life"):
            value = getattr(self, setting)
            if value is not None and not value > 0:
                refuse(f"{name}.{setting}", expected="a number > 0", got=value)


OURS = WsrSettings()
