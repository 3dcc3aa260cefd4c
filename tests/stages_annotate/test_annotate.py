from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from attractory.catalog import read_system
from attractory.console import run as command
from attractory.errors import CatalogError
from attractory.expressions.doors import system
from attractory.expressions.system import System
from attractory.invariants import Estimate, lyapunov_spectrum
from attractory.invariants.lyapunov_spectrum import Effort
from attractory.stages.annotate import Work, annotate, as_invariant, check_annotations, estimate_invariants
from attractory.stages.annotate.estimates import drifts

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
RESTING = "name: Resting\nkind: map\nequations: {x: 'x/2', y: 'x + y/4'}\ninitial: {x: 0.3, y: 0.2}\n"
LOST = "name: Lost\nkind: map\nequations: {x: 2*x + 1}\ninitial: {x: 0.3}\n"
STANDARD = """\
name: Standard
kind: map
behaviour: conservative_chaotic
parameters: {k: 6}
equations:
  p: p + k*sin(theta)
  theta: theta + p + k*sin(theta)
wrap: {theta: [0, 2*pi], p: [0, 2*pi]}
initial: {p: 0.3, theta: 1.2}
"""
QUICK = Work(0, core_seconds=0.5, trajectories=4, samples=1024)


def kicked(folder: Path, name: str = "Standard") -> Path:
    """An entry whose exponents scatter, and of which no set is measured: its file."""
    file = folder / f"{name.lower()}.yaml"
    file.write_text(STANDARD.replace("Standard", name))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logistic.yaml").write_text(LOGISTIC)
    return tmp_path


def test_entry_gets_its_invariants_and_keeps_everything_else(folder: Path) -> None:
    """ln 2 within its stated error, and the file's own text before it."""
    summary = annotate(["Logistic"], folder=folder, work=QUICK)
    text = (folder / "logistic.yaml").read_text()
    assert text.startswith(LOGISTIC.rstrip())
    written = read_system(folder / "logistic.yaml").invariants
    theory = {"lyapunov_spectrum", "kaplan_yorke_dimension", "ks_entropy", "mean_divergence"}
    assert set(written) == {*theory, "correlation_dimension", "information_dimension"}
    value, error = written["lyapunov_spectrum"].value[0], written["lyapunov_spectrum"].standard_error[0]  # type: ignore[index]
    assert abs(value - np.log(2.0)) < 5.0 * error < 0.01
    assert summary.document()["Logistic"]["kaplan_yorke_dimension"]["value"] == 1.0
    assert summary.lines()[0] == f"Logistic: written to {folder / 'logistic.yaml'}"


def test_annotating_again_gives_the_same_file(folder: Path) -> None:
    """No time and no host is written."""
    annotate("Logistic", folder=folder, work=QUICK)
    first = (folder / "logistic.yaml").read_text()
    summary = annotate("all", folder=folder, work=QUICK, again=True)
    assert (folder / "logistic.yaml").read_text() == first
    assert summary.annotations[0].seconds


def test_what_is_current_is_kept_until_its_equations_change(folder: Path) -> None:
    """A comment changes nothing; a parameter makes annotations stale, and so does one that says nothing of its equations."""
    file = folder / "logistic.yaml"
    annotate("Logistic", folder=folder, work=QUICK)
    annotated = file.read_text()
    file.write_text("# another comment\n" + annotated)
    kept = annotate("Logistic", folder=folder, work=QUICK)
    assert not kept.annotations[0].seconds
    assert kept.document()["Logistic"]["lyapunov_spectrum"]["value"][0] == pytest.approx(np.log(2.0), abs=0.02)
    file.write_text(annotated.replace("r: 4", "r: 3.9"))
    assert read_system(file).stale == tuple(read_system(file).invariants)
    assert annotate("Logistic", folder=folder, work=QUICK).annotations[0].seconds
    assert read_system(file).stale == ()
    file.write_text(re.sub(r"    digest: .*\n", "", file.read_text()))
    assert annotate("Logistic", folder=folder, work=QUICK).annotations[0].seconds


def test_stale_annotation_gives_no_lyapunov_time(folder: Path) -> None:
    """A number of other equations would scale time wrongly without a word."""
    annotate("Logistic", folder=folder, work=QUICK)
    file = folder / "logistic.yaml"
    assert System.from_record(read_system(file)).lyapunov_time == pytest.approx(1 / np.log(2.0), rel=0.02)
    file.write_text(file.read_text().replace("r: 4", "r: 3.9"))
    assert System.from_record(read_system(file)).lyapunov_time is None


def test_check_says_that_an_annotation_is_stale(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the line of the annotation and what to do; exit code 1."""
    file = folder / "logistic.yaml"
    annotate("Logistic", folder=folder, work=QUICK)
    file.write_text(file.read_text().replace("r: 4", "r: 3.999"))
    assert command(["check", str(file)]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "logistic.yaml:10: invariants.lyapunov_spectrum is stale" in said
    assert "attractory annotate Logistic" in said


def test_recheck_agrees_with_another_seed_and_writes_nothing(folder: Path) -> None:
    """Every number within four combined errors."""
    file = kicked(folder)
    annotate("Standard", folder=folder, work=QUICK)
    before = file.read_bytes()
    seen = check_annotations("Standard", folder=folder, core_seconds=0.5)
    assert not seen.failures
    assert {item.quantity.partition("[")[0] for item in seen.entries[0].comparisons} == set(read_system(file).invariants)
    assert any(item.annotated != item.found for item in seen.entries[0].comparisons)
    assert file.read_bytes() == before


def test_recheck_fails_where_an_annotation_was_altered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By ten errors: exit code 1, and the document says which number."""
    file = kicked(folder)
    annotate("Standard", folder=folder, work=QUICK)
    held = read_system(file).invariants["lyapunov_spectrum"]
    value, error = held.value[0], held.standard_error[0]  # type: ignore[index]
    file.write_text(file.read_text().replace(f"value: [{value},", f"value: [{value + 10 * error},"))
    assert command(["annotate", "Standard", "--check", "--catalog", str(folder), "--core-seconds", "0.5", "--json"]) == 1
    (entry,) = json.loads(capsys.readouterr().out)["systems"]
    assert [item["quantity"] for item in entry["quantities"] if item["verdict"] == "fail"] == ["lyapunov_spectrum[0]"]


def test_recheck_fails_without_annotations_and_where_they_are_stale(folder: Path) -> None:
    """There is nothing to compare, and it says what to do."""
    assert "attractory annotate Logistic" in check_annotations("Logistic", folder=folder).failures[0]
    annotate("Logistic", folder=folder, work=QUICK)
    file = folder / "logistic.yaml"
    file.write_text(file.read_text().replace("r: 4", "r: 3.9"))
    assert "other equations" in check_annotations("Logistic", folder=folder).failures[0]


def test_one_entry_that_fails_leaves_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The others are written, by two workers as by one; the summary names the failure, and the exit code is 1."""
    (folder / "lost.yaml").write_text(LOST)
    (folder / "resting.yaml").write_text(RESTING)
    file = kicked(folder)
    (folder / "logistic.yaml").unlink()
    assert command(["annotate", "all", "--catalog", str(folder), "--core-seconds", "0.5", "--workers", "2"]) == 1
    assert "Lost: not annotated: Lost" in capsys.readouterr().out
    together = [one.read_text() for one in (file, folder / "resting.yaml")]
    assert (folder / "lost.yaml").read_text() == LOST
    for one, text in ((file, STANDARD), (folder / "resting.yaml", RESTING)):
        one.write_text(text)
        annotate(str(one), work=QUICK)
    assert [one.read_text() for one in (file, folder / "resting.yaml")] == together


def test_stopped_run_goes_on_where_it_was(folder: Path) -> None:
    """Stopped when the first entry is written: exit code 3, each file whole or untouched, and the rest done by the same command."""
    files = [kicked(folder, f"Other{number}") for number in range(6)]
    (folder / "logistic.yaml").unlink()
    line = [str(Path(sys.executable).with_name("attractory")), "annotate", "all", "--catalog", str(folder), "--core-seconds", "0.5"]
    run = subprocess.Popen([*line, "--workers", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while run.poll() is None and not any("invariants:" in file.read_text() for file in files):
        time.sleep(0.01)
    run.send_signal(signal.SIGTERM)
    assert run.wait() == 3
    done = {file.name: file.read_text() for file in files if "invariants:" in file.read_text()}
    assert 0 < len(done) < len(files)
    summary = annotate("all", folder=folder, work=QUICK)
    assert sum(bool(item.seconds) for item in summary.annotations) == len(files) - len(done)
    assert all((folder / name).read_text() == text for name, text in done.items())
    undisturbed = folder / "undisturbed"
    undisturbed.mkdir()
    for number in range(6):
        again = kicked(undisturbed, f"Other{number}")
        annotate(str(again), work=QUICK)
        assert again.read_text() == files[number].read_text()


def test_unknown_name_is_refused_with_the_nearest(folder: Path) -> None:
    """Before anything is computed."""
    with pytest.raises(CatalogError, match="Logistic"):
        annotate(["Logistik"], folder=folder)


def test_a_system_named_twice_is_refused(folder: Path) -> None:
    """By name and by path, which would be written one over the other."""
    with pytest.raises(CatalogError, match="twice"):
        annotate(["Logistic", str(folder / "logistic.yaml")], folder=folder)


def test_digits_beyond_the_error_are_not_written() -> None:
    """Two digits of the error decide; settings of several numbers stand with as many values."""
    estimate = Estimate(
        np.array([0.90563217, -14.572]), np.array([0.00031234, 0.0]), "m", {"duration": 123.456789, "errors": (1.23456, 2.0)}, 0.0
    )
    written = as_invariant(estimate, digest="0123456789abcdef0123")
    assert written["value"] == [0.90563, -14.572]
    assert written["standard_error"] == [0.00031, 0.0]
    assert written["settings"] == {"duration": 123.457, "errors": [1.23, 2.0]}
    assert written["digest"] == "0123456789abcdef"
    derived = Estimate(np.array(2.0), np.array(0.1), "m", {"errors": (1.23456, 2.0)}, 0.0)
    assert as_invariant(derived, digest="")["settings"] == {}


def test_stiff_flow_gets_its_exponents(tmp_path: Path) -> None:
    """x' = -10^5 (x - cos t) takes tens of thousands of explicit steps a period; its exponent is -10^5, and nothing else."""
    (tmp_path / "relaxing.yaml").write_text(
        "name: Relaxing\nkind: flow\nequations:\n  x: -100000*(x - cos(t))\ninitial: {x: 1.0}\n"
        "timescale: {period: 6.28, definition: that of the cosine}\n"
    )
    system = System.from_record(read_system(tmp_path / "relaxing.yaml"))
    found = estimate_invariants(system, Work(0, core_seconds=0.2))
    assert found["lyapunov_spectrum"].value[0] == pytest.approx(-1e5, rel=1e-6)  # the integration's error
    assert found["mean_divergence"].value == pytest.approx(-1e5)
    assert found["ks_entropy"].value == found["kaplan_yorke_dimension"].value == 0.0


def test_dimensions_of_the_set_are_of_dissipative_chaos_alone() -> None:
    """Not of a sea that volumes are kept in, and not of what comes to rest."""
    cat = System(name="Cat", kind="map", equations={"x": "mod(2*x + y, 1)", "y": "mod(x + y, 1)"}, initial={"x": 0.1, "y": 0.2})
    kept = estimate_invariants(cat, QUICK)
    assert kept["kaplan_yorke_dimension"].value == 2.0
    rest = System(name="Rest", equations={"x": "-x", "y": "-2*y"}, initial={"x": 1.0, "y": 1.0})
    assert "correlation_dimension" not in estimate_invariants(rest, QUICK)
    ueda = System(name="U", equations={"x": "v", "v": "-0.05*v - x**3 + 7.5*cos(t)"}, initial={"x": 2.5, "v": 0.0})
    driven = estimate_invariants(ueda, QUICK)
    assert driven["lyapunov_spectrum"].value[0] > 0.05
    assert "correlation_dimension" not in driven
    oscillator = System(name="O", equations={"x": "v", "v": "-x"}, initial={"x": 1.0, "v": 0.0}, conserved={"energy": "x**2 + v**2"})
    assert "correlation_dimension" not in estimate_invariants(oscillator, QUICK)


def test_volumes_that_are_lost_have_no_rate() -> None:
    """A mass that comes to rest against friction forgets a direction for good; its exponent is minus infinity, kept finite."""
    sliding = System(name="S", equations={"x": "v", "v": "-x - 2*sign(v - 1)", "y": "-y"}, initial={"x": 0.0, "v": 0.5, "y": 1.0})
    assert "mean_divergence" not in estimate_invariants(sliding, QUICK)


def test_exponents_that_drift_are_not_annotated() -> None:
    """Hopalong's orbits wander off for ever, where it turns by ever less, and its exponent falls. Lorenz' does not."""
    found = estimate_invariants(system("Hopalong"), Work(seed=0, core_seconds=1.0))
    assert list(found) == ["mean_divergence"]
    growth = lyapunov_spectrum("Lorenz", effort=Effort(trajectories=32, budget=300.0))
    assert not drifts(growth)
