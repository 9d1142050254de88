"""A model that a user's own Python code builds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from torch import nn

from wsrnas.errors import InputError, refuse
from wsrnas.models.module import as_module
from wsrnas.parts import imported


def from_python(spec: str) -> nn.Module:
    """Return what ``package.module:attribute`` names: a module, or what a function without arguments builds.

    Raises:
        InputError: it cannot be imported, is not there, is no module, or fails.
    """
    with alone(spec):
        found = imported(spec, argument="model")
    if isinstance(found, nn.Module):
        return found
    if not callable(found):
        refuse("model", expected=f"{spec} to be a module or a function that builds one", got=type(found).__name__)
    try:
        with alone(spec):
            built = found()
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever a user's own function raises
        remedy = "give a function that builds the network without arguments"
        raise InputError(f"model: {spec}() failed with {type(error).__name__}: {error}; {remedy}") from error
    if isinstance(built, nn.Module):
        return built
    return as_module(built)


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Run a user's code as a program without arguments; what it prints goes to the standard error output."""
    arguments = sys.argv
    sys.argv = [name]
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.argv = arguments
