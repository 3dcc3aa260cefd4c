"""How far apart samples may lie, and how small a variable may move beside its size: what no change of stored numbers shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from attractory import layout
from attractory.stages.validate.digits import storage_noise
from attractory.stages.validate.measure import _above_nyquist, sampling
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Settings
from attractory.stages.validate.rules import RULES
from attractory.stages.validate.stored import open_stored
from attractory.stages.validate.summary import summarise


def evidence(path: Path, name: str) -> Evidence:
    """Of the fine samples of the convection."""
    dataset = open_stored(path)
    stored = next(system for system in dataset.systems if system.name == "Convection")
    granularity = next(grid for grid in stored.granularities if grid.name == "fine")
    rule = next(rule for rule in RULES if rule.name == name)
    return Evidence(rule, dataset, Settings(), stored, granularity, {"fine": summarise(granularity)})


def test_power_above_the_nyquist_frequency_is_that_of_the_faster_of_two_waves() -> None:
    """Amplitudes 2 and 1 at a half and at three halves of the Nyquist frequency of every eighth sample: a fifth of the variance."""
    time = np.arange(4096.0)
    states = 2.0 * np.sin(2 * np.pi * time / 32) + np.sin(2 * np.pi * 3 * time / 32)
    np.testing.assert_allclose(_above_nyquist(states[None, :, None]), 0.2, rtol=1e-3)  # leakage of the Hann window


@pytest.mark.parametrize(("factor", "verdict"), [(1, "pass"), (120, "fail")])
def test_samples_too_far_apart_are_reported(good_store: Path, factor: int, verdict: str) -> None:
    """A hundred samples a period are enough; one in a period and a fifth of it is not."""
    whole = evidence(good_store, "sampling")
    attributes = {**whole.granularity.attributes, layout.DT: whole.granularity.dt * factor}
    check: Check = sampling(replace(whole, of_granularity=replace(whole.granularity, attributes=attributes)))
    assert check.verdict == verdict
    assert "lies above the Nyquist frequency" in check.message


def test_variable_that_moves_little_beside_its_size_loses_its_digits(good_store: Path) -> None:
    """z raised by 1e6: half a rounding of float32 is then 0.03, of a spread of 8."""
    whole = evidence(good_store, "storage_noise")
    raised = replace(whole.summary, **{name: getattr(whole.summary, name) + 1e6 for name in ("mean", "lowest", "highest")})
    assert storage_noise(whole).passed
    found = storage_noise(replace(whole, summaries={"fine": raised}))
    assert found.failed
    assert "whose largest value is 1e+06" in found.message
