"""Studies that decide the defaults."""

from wsrnas.studies.noise.config import StudyConfig, scale_config
from wsrnas.studies.noise.study import run as run_estimators

__all__ = ["StudyConfig", "run_estimators", "scale_config"]
