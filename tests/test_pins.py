"""The first samples of every catalogued system, to the bit.

A user who upgrades gets the same trajectories. A digest here may change in two ways only, and each needs a line in CHANGELOG.md that
names the systems and says why: the entry's own equations, parameters or initial state were wrong; or the engine's arithmetic changed on
purpose (another order, another order of a sum, a better function). Nothing else may change one: not speed, lanes, batches, instruction
sets, machines or versions of libraries, since the kernels use no operation that these may round differently, elementary functions
included. One digest holds everywhere.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import attractory
from attractory import catalog
from attractory.integrate import BlockSettings, SampleGrid, integrate_block

SAMPLES = 1000
# SHA-256, first 16 digits, of 1,000 samples from the catalogued state in float64: 100 a period, tolerance 1e-14; maps: each iterate.
PINS: dict[str, str] = {
    "ArnoldBeltramiChildress": "b5d7bf5adbaa0762",
    "Chen": "e93810545e28038d",
    "Chua": "a19ae11c42273284",
    "DoublePendulum": "602b9f9726d927b5",
    "Duffing": "176dedf8b8da2d06",
    "ForcedVanDerPol": "d7657607ea9d16d9",
    "Halvorsen": "8703933592c0357e",
    "Henon": "ece47012e12b6b11",
    "HenonHeiles": "1b35f97879ef36d4",
    "HindmarshRose": "80371e15c2cd5a40",
    "HyperRossler": "f3085ad3068b4d31",
    "LinzSprott": "cea98301e95add16",
    "Logistic": "58ba87f23b7b5752",
    "Lorenz": "2c3efc26b568ce9f",
    "Lorenz96": "569e7f69df1e2385",
    "Oregonator": "8f5b2633580cec7d",
    "RabinovichFabrikant": "882d3b361a43aa87",
    "Rossler": "6fa494b031278c35",
    "SprottA": "6f6d3944e0f5fceb",
    "SprottB": "fdfec31cfac0519a",
    "SprottMore": "76f46d7df00b6410",
    "Thomas": "0862b839f08fb177",
    "Torus": "2ceb1ced0ab60601",
    "Windmi": "b46b23ade008a0e0",
}  # fmt: skip
# The same of three drawn trajectories in float32 at 15 samples a period, after 5 periods of transient: the draws are pinned too.
DRAWN = {"Lorenz": "b16f287c8912a8cf", "HenonHeiles": "118a778b1ab6fa09", "Henon": "65820e27779e4c06"}


def pinned(values: np.ndarray) -> str:
    """The digest of little-endian values in the order (trajectory, time, variable)."""
    plain = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"))
    return hashlib.sha256(plain.tobytes()).hexdigest()[:16]


def from_the_catalogued_state(name: str) -> str:
    """The digest that `PINS` holds."""
    system = attractory.system(name)
    length = {"samples": SAMPLES} if system.kind == "map" else {"samples": SAMPLES, "samples_per_period": 100}
    made = attractory.integrate(system, initial=system.initial, tolerance=1e-14, **length)
    assert made.status.values.tolist() == [0]
    return pinned(made.state.values)


def from_draws(name: str) -> str:
    """The digest that `DRAWN` holds."""
    system = attractory.system(name)
    dt, transient = (1.0, 100.0) if system.period is None else (system.period / 15, 5 * system.period)
    settings = BlockSettings(seed=1, transient=transient, tolerance=1e-14, dtype="float32")
    return pinned(integrate_block(system, indices=[0, 1, 7], grids=[SampleGrid(dt, 100)], settings=settings).states[0])


def test_every_catalogued_system_is_pinned() -> None:
    """A new entry brings its pin."""
    assert list(PINS) == list(catalog.read_catalog())


@pytest.mark.parametrize("name", list(PINS))
def test_first_samples_are_what_they_were(name: str) -> None:
    """See the module's text for what may change one."""
    assert from_the_catalogued_state(name) == PINS[name]


@pytest.mark.parametrize("name", list(DRAWN))
def test_drawn_trajectories_are_what_they_were(name: str) -> None:
    """Random numbers, transient and single precision included."""
    assert from_draws(name) == DRAWN[name]
