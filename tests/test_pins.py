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
    "ArnoldBeltramiChildress": "b3750b8cf7b0d65c",
    "Chen": "92e354a06039ac54",
    "Chua": "fb930c4fd77c86e1",
    "DoublePendulum": "df6bac95f243628a",
    "Duffing": "47487f7420f6ae6a",
    "ForcedVanDerPol": "036958c31137c28f",
    "Halvorsen": "a39cfeceb947ccbc",
    "Henon": "ece47012e12b6b11",
    "HenonHeiles": "a04fbbef7676deb1",
    "HindmarshRose": "fdbad070d1c42822",
    "HyperRossler": "dc2704daab3ee8da",
    "IkedaDelay": "20e0eb338199bb36",
    "LinzSprott": "ac238b55e3349017",
    "Logistic": "58ba87f23b7b5752",
    "Lorenz": "cfd61bc9c49b1363",
    "Lorenz96": "32df1dd463d40293",
    "MackeyGlass": "9747b5f46ec01f19",
    "Oregonator": "504b3452c7a708bc",
    "PiecewiseCircuit": "f35e25b4fc79f499",
    "RabinovichFabrikant": "5a76df415e6ad930",
    "Rossler": "e2560796c582128c",
    "ScrollDelay": "ab1924b5c86ce670",
    "SprottA": "d314a7fa8b473974",
    "SprottB": "d1b2576bf48bc1e9",
    "SprottDelay": "03388b78dd5408e4",
    "SprottMore": "151cb46b4ef4abc5",
    "Thomas": "be262a7eb78748d7",
    "Torus": "74390522ed761475",
    "VossDelay": "bd3a9a846f819181",
    "Windmi": "13f957c1bf21dee9",
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
