"""The two bounded queues of Algorithm 1: M_a for noises, M_v for losses."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.errors import refuse
from wsrnas.types import Encoding, Images, Losses, Noises


@dataclass(frozen=True)
class NoiseExample:
    """One image's entry in M_a: (x, {δ_ε1 … δ_εN}, their strengths, ε̂, δ_ε̂), Eq. 4."""

    image: Tensor  # (C,H,W)
    known_noise: Tensor  # (N,C,H,W)
    known_strengths: Tensor  # (N,)
    wanted_strength: float
    noise: Tensor  # (C,H,W)


class NoiseMemory:
    """M_a: the latest `capacity` examples for training φ, stored image by image."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            refuse("noise_memory", expected="a capacity of at least 1", got=capacity)
        self.capacity = capacity
        self._examples: deque[NoiseExample] = deque(maxlen=capacity)

    def __len__(self) -> int:
        return len(self._examples)

    def push(
        self, images: Images, known_noise: Noises, known_strengths: Tensor, wanted_strength: float, noise: Images
    ) -> None:
        """Add every image of a batch; the oldest entries leave. Shapes (B,C,H,W), (B,N,C,H,W), (N,), (B,C,H,W)."""
        strengths = known_strengths.detach().cpu()
        for image, known, target in zip(images.detach(), known_noise.detach(), noise.detach()):
            self._examples.append(
                NoiseExample(image.clone(), known.clone(), strengths, wanted_strength, target.clone())
            )

    def batches(
        self, batch_size: int, generator: torch.Generator
    ) -> list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]:
        """Return one shuffled pass as (images, known_noise, known_strengths (B,N), wanted (B,1), noise (B,1,C,H,W))."""
        examples = list(self._examples)
        order = torch.randperm(len(examples), generator=generator).tolist()
        passes = []
        for start in range(0, len(order), batch_size):
            rows = [examples[i] for i in order[start : start + batch_size]]
            images = torch.stack([row.image for row in rows])
            passes.append(
                (
                    images,
                    torch.stack([row.known_noise for row in rows]),
                    torch.stack([row.known_strengths for row in rows]).to(images),
                    torch.tensor([[row.wanted_strength] for row in rows]).to(images),
                    torch.stack([row.noise for row in rows])[:, None],
                )
            )
        return passes

    def state_dict(self) -> dict[str, Any]:
        """Return the examples in order."""
        rows = [(e.image, e.known_noise, e.known_strengths, e.wanted_strength, e.noise) for e in self._examples]
        return {"capacity": self.capacity, "examples": rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the examples."""
        self._examples = deque((NoiseExample(*row) for row in state["examples"]), maxlen=self.capacity)


@dataclass(frozen=True)
class LossLabel:
    """One entry of M_v: the encoding H, the measured losses, the choice it came from, and when it was measured."""

    encoding: Tensor  # (E,K)
    losses: Tensor  # (S,), index 0 clean
    choice: tuple[int, ...]
    measured_at: int


class LossMemory:
    """M_v: the latest `capacity` labelled architectures."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            refuse("loss_memory", expected="a capacity of at least 1", got=capacity)
        self.capacity = capacity
        self.labels: deque[LossLabel] = deque(maxlen=capacity)

    def __len__(self) -> int:
        return len(self.labels)

    def push(self, encoding: Encoding, losses: Losses, choice: tuple[int, ...], measured_at: int) -> None:
        """Add one label."""
        self.labels.append(LossLabel(encoding.detach().cpu(), losses.detach().cpu(), choice, measured_at))

    def replace(self, label: LossLabel, losses: Losses, measured_at: int) -> None:
        """Put newly measured losses in the place of an old label."""
        place = next(index for index, held in enumerate(self.labels) if held is label)
        self.labels[place] = LossLabel(label.encoding, losses.detach().cpu(), label.choice, measured_at)

    def tensors(self) -> tuple[Float[Tensor, "N E K"], Float[Tensor, "N S"]]:
        """Return all encodings and losses."""
        labels = list(self.labels)
        return torch.stack([e.encoding for e in labels]), torch.stack([e.losses for e in labels])

    def state_dict(self) -> dict[str, Any]:
        """Return the labels in order."""
        rows = [(e.encoding, e.losses, list(e.choice), e.measured_at) for e in self.labels]
        return {"capacity": self.capacity, "labels": rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the labels."""
        labels = (LossLabel(h, losses, tuple(choice), at) for h, losses, choice, at in state["labels"])
        self.labels = deque(labels, maxlen=self.capacity)
