from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from attractory.catalog import read_system
from attractory.errors import CatalogError
from attractory.expressions.system import System
from attractory.invariants import Estimate
from attractory.stages.annotate import annotate, as_invariant, estimate_invariants

LOGISTIC = """\
# A comment that stays.
name: Logistic
kind: map
description: Doubling in disguise.
equations:
  x: r*x*(1 - x)
parameters: {r: 4}
initial: {x: 0.3}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logistic.yaml").write_text(LOGISTIC)
    return tmp_path


def test_entry_gets_its_invariants_and_keeps_everything_else(folder: Path) -> None:
    """ln 2 within its stated error, and the file's own text before it."""
    summary = annotate(["Logistic"], folder=folder)
    text = (folder / "logistic.yaml").read_text()
    assert text.startswith(LOGISTIC.rstrip())
    written = read_system(folder / "logistic.yaml").invariants
    assert set(written) == {"lyapunov_spectrum", "kaplan_yorke_dimension", "ks_entropy", "mean_divergence"}
    value, error = written["lyapunov_spectrum"].value[0], written["lyapunov_spectrum"].standard_error[0]  # type: ignore[index]
    assert abs(value - np.log(2.0)) < 5.0 * error < 0.01
    assert summary.document()["Logistic"]["kaplan_yorke_dimension"]["value"] == 1.0
    assert summary.lines()[0] == f"Logistic: written to {folder / 'logistic.yaml'}"


def test_annotating_again_gives_the_same_file(folder: Path) -> None:
    """No time and no host is written."""
    annotate("Logistic", folder=folder)
    first = (folder / "logistic.yaml").read_text()
    annotate("all", folder=folder)
    assert (folder / "logistic.yaml").read_text() == first


def test_unknown_name_is_refused_with_the_nearest(folder: Path) -> None:
    """Before anything is computed."""
    with pytest.raises(CatalogError, match="Logistic"):
        annotate(["Logistik"], folder=folder)


def test_digits_beyond_the_error_are_not_written() -> None:
    """Two digits of the error decide."""
    estimate = Estimate(np.array([0.90563217, -14.572]), np.array([0.00031234, 0.0]), "m", {"duration": 123.456789, "reached": True}, 0.0)
    written = as_invariant(estimate)
    assert written["value"] == [0.90563, -14.572]
    assert written["standard_error"] == [0.00031, 0.0]
    assert written["settings"] == {"duration": 123.457, "reached": True}


def test_stiff_flow_gets_its_exponents(tmp_path: Path) -> None:
    """x' = -10^5 (x - cos t) takes tens of thousands of explicit steps a period; its exponent is -10^5, and nothing else."""
    (tmp_path / "relaxing.yaml").write_text(
        "name: Relaxing\nkind: flow\nequations:\n  x: -100000*(x - cos(t))\ninitial: {x: 1.0}\n"
        "timescale: {period: 6.28, definition: that of the cosine}\n"
    )
    system = System.from_record(read_system(tmp_path / "relaxing.yaml"))
    found = estimate_invariants(system, seed=0, core_seconds=0.2)
    assert found["lyapunov_spectrum"].value[0] == pytest.approx(-1e5, rel=1e-6)  # the integration's error
    assert found["mean_divergence"].value == pytest.approx(-1e5)
    assert found["ks_entropy"].value == found["kaplan_yorke_dimension"].value == 0.0
