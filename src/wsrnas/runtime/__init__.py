"""Devices, precision and processes."""

from wsrnas.runtime import leaving, processes
from wsrnas.runtime.config import DEVICES, PRECISIONS, RuntimeConfig
from wsrnas.runtime.engine import Runtime, device_named

__all__ = ["DEVICES", "PRECISIONS", "Runtime", "RuntimeConfig", "device_named", "leaving", "processes"]
