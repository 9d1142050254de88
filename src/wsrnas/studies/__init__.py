"""Studies that decide the defaults."""

from wsrnas.studies.config import StudyConfig, scale_config
from wsrnas.studies.estimators import run as run_estimators

__all__ = ["StudyConfig", "run_estimators", "scale_config"]
