"""Attractory: datasets of dynamical systems, from a YAML catalog to batches in a training loop.

    system, System          a catalogued system, or one of your own
    systems                 the catalogued systems that fit a query
    integrate               trajectories of a system, as an xarray.Dataset
    lyapunov_spectrum       its exponents with their standard errors
    Estimate                a number with its standard error
    open                    a finished store, as windows and batches
    stream                  the same of a recipe, integrated while it is read
    errors                  what can go wrong; AttractoryError is the parent of all

Importing this module loads nothing else: a door opens when it is first used, and `open` needs neither Dask, numba nor scipy.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attractory import errors as errors
    from attractory.expressions.doors import system as system
    from attractory.expressions.finding import systems as systems
    from attractory.expressions.system import System as System
    from attractory.integrate import integrate as integrate
    from attractory.invariants.estimate import Estimate as Estimate
    from attractory.invariants.lyapunov_spectrum import lyapunov_spectrum as lyapunov_spectrum
    from attractory.loader import open as open
    from attractory.stream import stream as stream

    __version__: str

_DOORS = {
    "Estimate": "attractory.invariants.estimate",
    "System": "attractory.expressions.system",
    "integrate": "attractory.integrate",
    "lyapunov_spectrum": "attractory.invariants.lyapunov_spectrum",
    "open": "attractory.loader",
    "stream": "attractory.stream",
    "system": "attractory.expressions.doors",
    "systems": "attractory.expressions.finding",
}
__all__ = ["Estimate", "System", "__version__", "errors", "integrate", "lyapunov_spectrum", "open", "stream", "system", "systems"]


def __getattr__(name: str) -> object:
    """The public object of that name, imported now; a missing extra is named in the error."""
    if name == "__version__":
        value: object = _version()
    elif name == "errors":
        value = importlib.import_module("attractory.errors")
    elif name in _DOORS:
        value = getattr(_module(_DOORS[name], door=name), name)
    else:
        message = f"module 'attractory' has no attribute {name!r}"
        raise AttributeError(message)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _module(path: str, *, door: str) -> ModuleType:
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] == "attractory":
            raise
        from attractory.errors import MissingExtraError

        raise MissingExtraError("attractory." + door, missing.name) from missing


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("attractory")
    except metadata.PackageNotFoundError:  # imported from a checkout that was never installed
        return "0+unknown"


class _Package(ModuleType):
    """This module, except that importing the package attractory.integrate does not hide the function attractory.integrate."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _DOORS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
