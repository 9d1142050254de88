"""What a result depends on besides its settings."""

from __future__ import annotations

import platform
from datetime import datetime, timezone
from typing import Any

import torch

from wsrnas import __version__


def environment() -> dict[str, Any]:
    """Return what a result depends on besides its settings."""
    return {
        "wsrnas": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cuda": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
