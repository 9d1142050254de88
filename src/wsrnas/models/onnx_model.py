"""An ONNX file as a module without gradients."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wsrnas.errors import InputError, refuse
from wsrnas.files import is_file
from wsrnas.models.description import Description
from wsrnas.models.module import Counted
from wsrnas.types import Images
from wsrnas.weights.find import KEY, parsed

FLOATS: dict[str, Any] = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
PIXELS = "tensor(uint8)"
COLOURS = (1, 3)


class OnnxModel(Counted):
    """Runs an ONNX classifier on the CPU; only gradient-free attacks apply to it.

    Floating-point inputs of every width are cast; 8-bit inputs get images rounded to whole pixels 0 to 255; the layout
    (B,H,W,C) is told by where the colours are. `notes` says what was done of this; `description` is what
    `wsrnas export` wrote into the file, None for others.

    Args:
        path: the file, with one input (B,C,H,W) in [0,1]; its only output (B,classes) of numbers, the one called
            logits, or the first such is taken as logits.

    Raises:
        InputError: no such file, not ONNX, more than one input, an input of another type, no output that holds
            logits, or onnxruntime is not installed; when called, images of another size than the file takes.
    """

    file_digest: Tensor

    def __init__(self, path: Path) -> None:
        super().__init__()
        if not is_file(path):
            refuse("model", expected="an existing .onnx file", got=str(path)[:200])
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError("model: ONNX files need onnxruntime; pip install 'wsrnas[onnx]'") from error
        content = b"".join(part.read_bytes() for part in _parts(path))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # errors are raised; the runtime would print them as well
        try:
            self.session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise InputError(f"model: {path} is not a usable ONNX file ({_line(error)}); export it again") from error
        inputs = self.session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4:
            shown = ", ".join(f"{one.name}{one.shape}" for one in inputs)
            refuse("model", expected="an ONNX file with one input (B,C,H,W)", got=shown)
        self.notes: list[str] = []
        self._input, self._kind = inputs[0].name, inputs[0].type
        if self._kind not in (*FLOATS, PIXELS):
            remedy = "export it with a floating-point input"
            refuse("model", expected="an ONNX input of numbers in [0,1]", got=self._kind, remedy=remedy)
        sizes = [size if isinstance(size, int) and size > 0 else None for size in inputs[0].shape]
        self._batch, self._shape = sizes[0], sizes[1:]
        self._last = sizes[3] in COLOURS and sizes[1] not in COLOURS
        if self._last:
            self._shape = [sizes[3], *sizes[1:3]]
            self.notes.append("Its input has the colours last: images are turned round for it.")
        if self._kind == PIXELS:
            self.notes.append("It takes 8-bit pixels: images are rounded to whole pixels from 0 to 255 for it.")
        elif FLOATS[self._kind] is not np.float32:
            self.notes.append(f"Images are cast to {np.dtype(FLOATS[self._kind]).name} for it.")
        self._output = self._logits()
        text = self.session.get_modelmeta().custom_metadata_map.get(KEY)
        found = None if text is None else Description.from_dict(parsed(text, source=str(path)), source=str(path))
        self.description: Description | None = found
        self.register_buffer("file_digest", torch.tensor(list(hashlib.sha256(content).digest()), dtype=torch.uint8))

    def forward(self, images: Images) -> Tensor:
        """Return the logits; a file with a fixed batch size is fed in pieces, the last one filled up with zeros."""
        shape = list(images.shape[1:])
        if any(known is not None and known != size for known, size in zip(self._shape, shape)):
            wanted = ",".join("any" if size is None else str(size) for size in self._shape)
            remedy = "choose the data that it was made for, or --data.image_size"
            refuse("model", expected=f"images of ({wanted})", got=f"({','.join(map(str, shape))})", remedy=remedy)
        self.queries.count += len(images)
        count, size = len(images), self._batch or len(images)
        parts = []
        for piece in images.detach().float().cpu().split(size):
            filled = torch.cat([piece, piece.new_zeros(size - len(piece), *piece.shape[1:])])
            parts.append(self._run(filled))
        return torch.cat(parts)[:count].to(images.device)

    def _run(self, images: Tensor) -> Tensor:
        shape = tuple(images.shape)
        array = (images.permute(0, 2, 3, 1) if self._last else images).contiguous().numpy()
        whole = self._kind == PIXELS
        array = np.rint(array * 255).astype(np.uint8) if whole else array.astype(FLOATS[self._kind], copy=False)
        try:
            output = torch.from_numpy(self.session.run([self._output], {self._input: array})[0]).float()
        except Exception as error:  # the runtime has its own kinds
            message = f"model: the ONNX file does not run on images of {shape} ({_line(error)}); export it for them"
            raise InputError(message) from error
        if output.ndim != 2 or len(output) != len(images):
            refuse("model", expected=f"logits ({len(images)}, classes) of the ONNX file", got=f"{tuple(output.shape)}")
        return output

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """The images (C,H,W) that the file takes; None where it leaves a size open."""
        channels, height, width = self._shape
        return None if channels is None or height is None or width is None else (channels, height, width)

    @property
    def num_classes(self) -> int | None:
        """How many logits there are; None where the file does not say."""
        (output,) = (one for one in self.session.get_outputs() if one.name == self._output)
        size = output.shape[1] if len(output.shape) == 2 else None
        return size if isinstance(size, int) and size > 0 else None

    def _logits(self) -> str:
        """Return the name of the output that holds logits."""
        outputs = self.session.get_outputs()
        numbers = [one for one in outputs if one.type in FLOATS and len(one.shape) in (0, 2)]
        if not numbers:
            shown = ", ".join(f"{one.name}{one.shape} {one.type}" for one in outputs)
            refuse("model", expected="an ONNX output (B,classes) of numbers", got=shown, remedy="export the logits")
        chosen = next((one for one in numbers if one.name.lower() == "logits"), numbers[0])
        if len(outputs) > 1:
            others = ", ".join(one.name for one in outputs if one is not chosen)
            self.notes.append(f"Of its outputs, {chosen.name} is taken as logits, not {others}.")
        return str(chosen.name)


def _parts(path: Path) -> list[Path]:
    """Return the file and the ones beside it that hold its weights: exporters write large tensors to `name.data`."""
    beside = (path.with_name(path.name + end) for end in (".data", "_data"))
    return [path, *(part for part in beside if part.is_file())]


def _line(error: Exception) -> str:
    """Return what a runtime said, in one line."""
    return " ".join(str(error).split())[:200]
