"""The export formats by name: a line each."""

from __future__ import annotations

from wsrnas.export.base import ExportFormat
from wsrnas.export.hub import Hub
from wsrnas.export.onnx import Onnx
from wsrnas.export.safetensors import Safetensors
from wsrnas.export.torch_export import TorchExport
from wsrnas.parts import Parts

FORMATS: Parts[ExportFormat] = Parts(
    ExportFormat, "exports", [(kind.name, kind) for kind in (Safetensors, TorchExport, Onnx, Hub)]
)
