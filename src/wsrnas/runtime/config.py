"""Where and how to compute, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from wsrnas.errors import nearest, refuse

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("32-true", "bf16-mixed")


@dataclass(frozen=True, kw_only=True)
class RuntimeConfig:
    """Where and how to compute.

    Args:
        device: auto, cpu, cuda or mps.
        precision: 32-true, or bf16-mixed for training and attacks in the search (evaluation is always float32).
        channels_last: memory format of images and convolution weights.
        threads: CPU threads; null leaves torch's choice, and gives each of several workers one.
        workers: processes for work in independent pieces, such as the trainings of finalists and rivals; null takes one
            a CUDA device, on a CPU as many as the cores have threads for. Results do not depend on it.
        fast: take the faster of two ways to the same numbers wherever there are two; false takes the plain one.
    """

    device: str = "auto"
    precision: str = "32-true"
    channels_last: bool = False
    threads: int | None = None
    workers: int | None = None
    fast: bool = True

    def __post_init__(self) -> None:
        for name, known in (("device", DEVICES), ("precision", PRECISIONS)):
            value = getattr(self, name)
            if value not in known:
                refuse(
                    f"runtime.{name}", expected=f"one of {', '.join(known)}", got=value, remedy=nearest(value, known)
                )
        for name in ("threads", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                refuse(f"runtime.{name}", expected="at least 1", got=value)
        if self.device == "cuda" and not torch.cuda.is_available():
            refuse("runtime.device", expected="a CUDA device", got="none on this machine", remedy="use auto or cpu")
        if self.device == "mps" and not torch.backends.mps.is_available():
            refuse("runtime.device", expected="an MPS device", got="none on this machine", remedy="use auto or cpu")
