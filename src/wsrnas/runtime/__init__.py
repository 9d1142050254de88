"""Devices, precision and processes."""

from wsrnas.runtime import leaving, processes
from wsrnas.runtime.config import DEVICES, PRECISIONS, RuntimeConfig
from wsrnas.runtime.engine import Runtime

__all__ = ["DEVICES", "PRECISIONS", "Runtime", "RuntimeConfig", "leaving", "processes"]
