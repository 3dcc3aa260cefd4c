"""Systems whose exponents are known."""

from __future__ import annotations

import pytest

from attractory import System


@pytest.fixture(scope="session")
def lorenz() -> System:
    return System(
        name="Lorenz",
        equations={"x": "sigma*(y - x)", "y": "x*(rho - z) - y", "z": "x*y - beta*z"},
        parameters={"sigma": 10, "rho": 28, "beta": "8/3"},
        initial={"x": 1.0, "y": 1.0, "z": 25.0},
        timescale={"period": 0.75, "definition": "mean time between maxima of z"},
    )


@pytest.fixture(scope="session")
def henon() -> System:
    return System(
        name="Henon",
        kind="map",
        equations={"x": "1 - a*x**2 + y", "y": "b*x"},
        parameters={"a": 1.4, "b": 0.3},
        initial={"x": 0.1, "y": 0.1},
    )


@pytest.fixture(scope="session")
def logistic() -> System:
    return System(name="Logistic", kind="map", equations={"x": "r*x*(1 - x)"}, parameters={"r": 4}, initial={"x": 0.3})
