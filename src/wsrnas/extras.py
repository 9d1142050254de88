"""Libraries that only an extra of the package installs."""

from __future__ import annotations

import importlib
from typing import Any

from wsrnas.errors import refuse


def optional(module: str, *, extra: str, argument: str, called: str = "") -> Any:
    """Import a library, or refuse the option that asked for it.

    Args:
        module: what is imported.
        extra: the extra that brings it, which is also the value of the option.
        argument: the option.
        called: the library's name in the message, where it is not that of the module.

    Raises:
        InputError: it is not installed; names the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        remedy = f"pip install 'wsrnas[{extra}]', or leave {argument} {extra} out"
        refuse(argument, expected=f"{called or module} to be installed", got=f"no package {module}", remedy=remedy)
