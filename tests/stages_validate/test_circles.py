"""Stores with coordinates on a circle and with drives: right ones pass, and an angle outside its range is found."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

from attractory import System
from attractory.stages.validate import Report
from attractory.stages.validate.run import run_checks
from attractory.stages.validate.stored import open_stored

PENDULUM = {
    "name": "Pendulum",
    "equations": {"q": "p", "p": "-0.2*p - sin(q) + 1.4*cos(z)", "z": "2/3"},
    "initial": {"q": 0.5, "p": 1.0, "z": 0.0},
    "wrap": {"q": ["-pi", "pi"], "z": [0, "2*pi"]},
    "timescale": {"period": 9.42, "definition": "period of the drive"},
    "behaviour": "chaotic",
}
ROTOR = {
    "name": "Rotor",
    "equations": {"q": "p", "p": "-sin(q)"},
    "initial": {"q": 0.5, "p": 2.5},
    "wrap": {"q": [0, "2*pi"]},
    "conserved": {"energy": "p**2/2 - cos(q)"},
    "timescale": {"period": 3.0, "definition": "one turn, about"},
}
DRIVEN = {
    "name": "Swing",
    "equations": {"x": "y", "y": "-0.3*y - x + 0.5*cos(1.4*t)"},
    "initial": {"x": 0.1, "y": 0.0},
    "timescale": {"period": 4.49, "definition": "period of the drive"},
    "behaviour": "periodic",
}
STANDARD = {
    "name": "Standard",
    "kind": "map",
    "equations": {"q": "q + p + 1.5*sin(q)", "p": "p + 1.5*sin(q)"},
    "initial": {"q": 3.0, "p": 0.3},
    "wrap": {"q": [0, "2*pi"], "p": [0, "2*pi"]},
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, stored) -> Path:
    systems = [System(**entry) for entry in (PENDULUM, ROTOR, DRIVEN, STANDARD)]
    return stored(tmp_path_factory.mktemp("circles") / "small.zarr", systems)


def failures(path: Path) -> list[str]:
    return [
        f"{check.system} {check.name}: {check.message}" for check in Report(str(path), tuple(run_checks(open_stored(path), {}))).failures
    ]


def test_angles_and_drives_pass_every_check(good: Path) -> None:
    """Reintegration by SciPy knows no turns, a quantity that is conserved does not count them."""
    assert failures(good) == []


def test_an_angle_outside_its_range_is_found(good: Path, tmp_path: Path, renewed) -> None:
    """A whole turn more in one sample solves the same equations, and is in the wrong place."""
    copy = Path(shutil.copytree(good, tmp_path / "small.zarr"))
    state = zarr.open_group(str(copy), mode="r+", use_consolidated=False)["Rotor/fine/state"]
    state[3, 40, 0] = state[3, 40, 0] + np.float32(2 * np.pi)
    renewed(copy)
    (found,) = failures(copy)
    assert "Rotor circle:q: 1 trajectories hold q outside [0, 6.28319), first trajectory 3" in found


def test_an_angle_that_is_a_little_off_is_found(good: Path, tmp_path: Path, renewed) -> None:
    """The comparison modulo a turn still sees an error of 1e-3."""
    copy = Path(shutil.copytree(good, tmp_path / "small.zarr"))
    state = zarr.open_group(str(copy), mode="r+", use_consolidated=False)["Rotor/fine/state"]
    angles = state[:, 1:, 0]
    state[:, 1:, 0] = np.where(angles < 6, angles + np.float32(1e-3), angles)
    renewed(copy)
    assert any("Rotor reintegration" in found for found in failures(copy))
