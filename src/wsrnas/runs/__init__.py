"""Run folders: settings, logs and checkpoints that survive a kill at any moment."""

from wsrnas.runs.environment import environment
from wsrnas.runs.folder import LOGS, Kind, RunFolder, kind_of

__all__ = ["LOGS", "Kind", "RunFolder", "environment", "kind_of"]
