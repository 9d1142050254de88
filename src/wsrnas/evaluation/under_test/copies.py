"""Fresh copies of a model, so that nothing it remembers of one batch helps it with the next."""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType

import torch
from torch import Tensor, nn

from wsrnas.evaluation.under_test.guard import Guarded, fresh_copy
from wsrnas.evaluation.under_test.lock import refuse_changes, same, state
from wsrnas.models.module import Wrapped
from wsrnas.types import Images, Logits

SAME = 1e-3
"""Logits that differ by less than this share of their spread are the same answer."""


class Copies:
    """Copies of a model as it was handed over, or the model itself where it cannot be copied.

    Parameters and buffers are hashed, but a model may keep what it has seen anywhere: in a list, a dictionary, a
    counter. Attacking and scoring fresh copies makes every batch a measurement of the model that was handed over; a
    model that is caught remembering is renewed for every single call.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.reason = ""
        self.renew = False
        """Whether every call, not every batch, meets a fresh copy: for models that were caught remembering."""
        self._first: nn.Module | None = None
        if isinstance(model, Wrapped) and isinstance(model.function, (FunctionType, BuiltinFunctionType)):
            self.reason = "it is a function, and what a function remembers cannot be copied"
            return
        try:
            self._first = fresh_copy(model)
        except Exception as error:  # whatever a user's own class does when it is copied
            self.reason = f"it cannot be copied ({type(error).__name__})"

    def fresh(self) -> Guarded:
        """Return a copy that has seen nothing, or the model itself."""
        if self._first is None:
            return Guarded(self.model, mend_gradients=True)
        return Guarded(fresh_copy(self._first), mend_gradients=True, renew=self.renew)

    @torch.no_grad()
    def check(self, images: Images, logits: Logits) -> None:
        """Do without copies where a copy does not give the answer `logits`, as one with hooks on another's layers.

        Args:
            images: one batch (B,C,H,W), on the model's device.
            logits: what the model said to them before it had seen anything else.
        """
        if self._first is None:
            return
        try:
            found = self.fresh()(images)
        except Exception as error:  # as above
            self._first, self.reason = None, f"a copy of it does not run ({type(error).__name__})"
            return
        if bool(unlike(logits, found).any()):
            self._first, self.reason = None, "a copy of it answers otherwise"

    def do_without(self, reason: str) -> None:
        """Measure the model itself for this reason, which another process found; an empty one changes nothing."""
        if reason:
            self._first, self.reason = None, reason

    def refuse_changed(self, used: Guarded) -> None:
        """Refuse a model whose copy has other weights or buffers after it was used.

        Raises:
            InputError: as said; names what changed.
        """
        if used.model is self.model:
            return  # whoever locked it looks after it
        before = dict(state(self.model))
        changed = [name for name, tensor in state(used.model) if not same(before[name], tensor)]
        if changed:
            refuse_changes(changed)


def unlike(one: Logits, other: Logits) -> Tensor:
    """Return for every image (B,) whether two answers differ by more than `SAME` of the spread of the first."""
    one, other = one.detach().double().cpu(), other.detach().double().cpu()
    return (one - other).abs().amax(1) > SAME * one.std().clamp_min(1e-12)
