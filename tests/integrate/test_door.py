"""`attractory.integrate`: shapes, seeds, and the texts of its refusals."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import xarray

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.integrate import integrate

TURN = System(
    name="Turn", equations={"x": "w*y", "y": "-w*x"}, parameters={"w": 1.0}, initial={"x": 1.0, "y": 0.0},
    timescale={"period": 6.2831853, "definition": "2 pi / w"},
)  # fmt: skip
BARE = System(name="Bare", equations={"x": "-x"}, initial={"x": 1.0})
MAP = System(name="Halves", kind="map", equations={"x": "x/2"}, initial={"x": 1.0})


def test_periods_times_samples_per_period_is_the_number_of_samples() -> None:
    """Ten periods at a hundred samples are a thousand samples."""
    made = integrate(TURN, trajectories=4, periods=10, samples_per_period=100)
    assert made.state.dims == ("trajectory", "time", "variable")
    assert made.state.shape == (4, 1000, 2)
    assert made.state.dtype == np.float64
    assert made.time.values[1] == TURN.period / 100


def test_the_dataset_is_the_one_that_xarray_makes_of_the_same_arrays() -> None:
    """Its variables are put together by a shorter way; indexes, types and attributes are those of the plain one."""
    made = integrate(TURN, 2, periods=1)
    plain = xarray.Dataset(
        {name: (made[name].dims, made[name].values, made[name].attrs) for name in made.data_vars},
        coords={name: made[name].values for name in ("time", "variable", "parameter")},
        attrs=made.attrs,
    )
    xarray.testing.assert_identical(made, plain)
    assert {name: made[name].dtype for name in made.variables} == {name: plain[name].dtype for name in plain.variables}
    assert list(made.indexes) == list(plain.indexes)


def test_a_first_trajectory_does_not_load_dask() -> None:
    """A script that never asks for Dask does not wait for it."""
    code = "import sys, attractory; attractory.integrate('Henon', samples=3).state.values; sys.exit('dask.array' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_seed_decides_and_each_trajectory_is_its_own() -> None:
    """Same seed, same bytes; another seed, others; more trajectories change none."""
    first, again = (integrate(TURN, 3, periods=1, seed=7).state.values for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, integrate(TURN, 3, periods=1, seed=8).state.values)
    np.testing.assert_array_equal(first, integrate(TURN, 5, periods=1, seed=7).state.values[:3])
    assert len(np.unique(first[:, 0, 0])) == 3


def test_drawn_states_run_through_twenty_periods_first() -> None:
    """The time at sample 0 is that of the default transient; given states start at zero."""
    assert integrate(TURN, 1, periods=1).start_time.values == pytest.approx(20 * TURN.period)
    assert integrate(TURN, initial=[1.0, 0.0], periods=1).start_time.values == 0


@pytest.mark.parametrize(
    ("system", "arguments", "message"),
    [
        (BARE, {"periods": 3}, r"Bare has no period.*timescale"),
        (BARE, {"samples": 10, "dt": 0.0}, r"dt is 0.0; expected a finite number above zero"),
        (BARE, {"samples": 10, "dt": -1.0}, r"dt is -1.0; expected"),
        (BARE, {"samples": 0, "dt": 0.1}, r"samples is 0; expected a whole number"),
        (BARE, {"samples": 10, "dt": 0.1, "tolerance": 0.0}, r"tolerance is 0.0; expected a number between 1e-15"),
        (BARE, {"samples": 10, "dt": 0.1, "tolerance": 1e-30}, r"tolerance is 1e-30; expected"),
        (BARE, {"samples": 10, "dt": 0.1, "initial": [[1.0, 2.0]]}, r"initial has shape \(1, 2\); Bare needs \(trajectory, 1\)"),
        (BARE, {"samples": 10**12, "dt": 0.1}, r"the samples asked for take .* GiB"),
        (BARE, {"samples": 10, "dt": 0.1, "periods": 2}, r"dt and periods measure the same"),
        (BARE, {"samples": 10, "dt": 0.1, "transient": -1.0}, r"transient is -1.0; expected"),
        (TURN, {"samples": 10, "dt": 0.1, "parameters": {"ww": 1.0}}, r"no parameter 'ww'.*Did you mean 'w'\?"),
        (TURN, {"samples": 10, "dt": 0.1, "trajectories": 2, "parameters": {"w": [1.0, 2.0, 3.0]}}, r"2 trajectories are asked for"),
        (TURN, {"trajectories": 3, "initial": [[1.0, 0.0]] * 2, "periods": 1}, r"3 trajectories are asked for"),
        (TURN, {"trajectories": 0, "periods": 1}, r"trajectories is 0; expected"),
        (MAP, {"samples": 10, "dt": 0.1}, r"Halves is a map: it takes `samples`"),
        (MAP, {"periods": 10}, r"Halves is a map"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_one_clear_sentence(system: System, arguments: dict, message: str) -> None:
    """Where, what was found, what was expected."""
    with pytest.raises(RequestError, match=message):
        integrate(system, **arguments)
