"""What `make bench-engine` computes from its measurements; nothing here measures a time."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch):
    """A script of benchmarks/ by name, imported as the scripts import each other."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.fixture
def curve(script):
    """A program whose error is a tenth of its tolerance down to 1e-13, on a flow of one variable that is 1 after one period."""
    curves = script("curves")

    def at(tolerance: float):
        return lambda initial, dt, samples: np.ones((len(initial), samples, 1)) + max(tolerance / 10, 1e-13)

    class Decay:
        period = 1.0

    truth = curves.Truth(Decay(), np.ones((4, 1)), np.ones((4, 1)))
    return curves.Curve("program", at, truth, curves.Size(4, 101))


def test_every_flow_is_the_same_function_for_other_programs(script) -> None:
    """What peers compile agrees with our own evaluation of the catalog's equations, for all flows and for a time that is not zero."""
    names = {name: getattr(np, name) for name in script("samplers").NAMES}
    for flow in script("flows").flows():
        states = flow.initial(3)
        others = script("formulas").rates(flow.system.definition, names)(0.7, list(states.T))
        found = np.stack([np.broadcast_to(rate, 3) for rate in others], axis=1)
        assert np.allclose(found, flow.system.rhs(states, t=0.7), rtol=1e-13, atol=1e-13), flow.name


def test_at_least_forty_flows_with_a_period_are_listed(script) -> None:
    """The claim is made for as many; each has a period to count samples in, and its states do not depend on how many are asked for."""
    listed = script("flows").flows()
    assert len({flow.name for flow in listed}) >= 40
    for flow in listed:
        assert flow.period > 0
        assert np.array_equal(flow.initial(8)[:2], flow.initial(2))


def test_a_square_is_told_to_other_programs(script) -> None:
    """heyoka takes half the work for x**2 of what it takes for x*x; constants are folded."""
    import attractory

    system = attractory.System(name="Square", equations={"x": "2*a*x*x*x - a**2"}, parameters={"a": 3.0}, initial={"x": 1.0})
    text = script("formulas").rates_text(system.definition)
    assert "(9.0)" in text
    cube = attractory.System(name="Cube", equations={"x": "x**3"}, initial={"x": 1.0})
    assert "n0**2" in script("formulas").rates_text(cube.definition)


def test_the_rungs_around_an_error_are_neighbours(curve) -> None:
    """1e-9 lies between the errors of the tolerances 1e-7 and 1e-8 (looser first); an error on a rung needs the next looser one too."""
    loose, tight = curve.around(3e-9)
    assert (loose, tight) == (-7, -8)
    assert curve.error(loose) > 3e-9 >= curve.error(tight)


def test_an_error_out_of_reach_and_one_that_is_always_reached(curve) -> None:
    """Below the smallest error there is no time; above the largest the loosest tolerance counts."""
    assert curve.around(1e-14) == ()
    assert curve.seconds_at(1e-14, {}) is None
    assert curve.around(0.5) == (curve.loosest,)
    assert curve.seconds_at(0.5, {curve.loosest: 7.0}) == 7.0


def test_a_time_lies_on_a_line_in_the_logarithms(script) -> None:
    """Half way between errors of 1e-8 and 1e-10 in the logarithm, 1 s and 4 s give 2 s; blown up at the looser one: 4 s."""
    between = script("curves").between
    assert between([(1e-8, 1.0), (1e-10, 4.0)], 1e-9) == pytest.approx(2.0)
    assert between([(math.inf, 1.0), (1e-10, 4.0)], 1e-9) == 4.0
    assert between([(1e-10, 4.0)], 1e-9) == 4.0


def test_a_state_that_is_not_finite_is_an_infinite_error(curve) -> None:
    """A program that blows up reaches no error."""
    assert curve.truth.error(np.full((4, 101, 1), np.nan)) == math.inf


def test_a_program_that_does_not_end_is_stopped(script) -> None:
    """One peer on one flow must not hold up the run."""
    curves = script("curves")
    with pytest.raises(curves.TooSlow, match=r"over 0 s"), curves.deadline(0.05):
        time.sleep(5)


def _beside(script, peer: str, ratio: float, **keys):
    given = {"per_period": 100, "target": 1e-9, **keys}
    return script("equal_error").Beside("Lorenz", peer, ours=ratio, theirs=1.0, errors=(1e-9, 1e-9), **given)


def test_the_faster_of_one_programs_integrators_counts(script) -> None:
    """400 times jitcode's dop853 and 200 times its lsoda are 200 times jitcode; a peer that failed is in no mean."""
    lines = [_beside(script, "jitcode dop853", 400.0), _beside(script, "jitcode lsoda", 200.0)]
    failed = script("equal_error").Beside("Lorenz", "diffrax Dopri8, vmap", 100, 1e-9, 10.0, failure="ImportError: no diffrax")
    found = script("equal_error").requirements([], [*lines, failed])
    assert [(one.measured, one.bound, one.met) for one in found] == [(pytest.approx(200.0), 300.0, False)]


def test_means_and_least_ratios_beside_heyoka(script) -> None:
    """Ratios of 2 and 18 are 6 in the mean, and the least of them misses 3."""
    lines = [_beside(script, "heyoka 8", ratio) for ratio in (2.0, 18.0)]
    mean, least = script("equal_error").requirements(lines, [])
    assert (mean.measured, mean.met, least.measured, least.met) == (pytest.approx(6.0), True, 2.0, False)


def test_an_error_that_nobody_reaches_is_said_and_not_counted(script, curve) -> None:
    """Neither program gets to 1e-14: a cell with words, no ratio."""
    module = script("equal_error")
    line = module._at_error(lambda target, failure: (target, failure), 1e-14, (curve, {}), (curve, {}))
    assert line == (1e-14, "out of reach")


def test_a_failure_stands_in_its_cell(script) -> None:
    """A program that fails on one flow leaves the rest of the tables as they are."""
    module = script("equal_error")
    names = [*(peer.name for peer in module.PEERS), module.DYSTS]
    lines = [_beside(script, name, 50.0) for name in names[1:]]
    lines.append(module.Beside("Lorenz", names[0], 100, 1e-9, 10.0, failure="ImportError: no diffrax"))
    assert "ImportError: no diffrax" in module.peer_table(lines)
    line = module._guarded(lambda rate=0.0, failure="": (rate, failure), lambda: 1 / 0)
    assert line == (0.0, "ZeroDivisionError: division by zero")


def test_the_lead_is_measured_against_the_fastest_that_gets_there(script) -> None:
    """At 1e-9 we take 1 s and others 3 s and 2 s: twice; where only others get there it is 0, where nobody else does there is none."""
    work = script("work_precision")
    ours = work.Points("Lorenz", work.OURS, {-9: 1e-9, -13: 1e-13}, {-9: 1.0, -13: 1.0})
    slow = work.Points("Lorenz", "a", {-9: 1e-9, -14: 1e-15}, {-9: 3.0, -14: 9.0})
    fast = work.Points("Lorenz", "b", {-9: 1e-9}, {-9: 2.0})
    assert work.lead([ours, slow, fast], 1e-9) == pytest.approx(2.0)
    assert work.lead([ours, slow, fast], 1e-15) == 0.0
    assert work.lead([ours, fast], 1e-12) is None


def test_a_part_that_fails_is_a_missed_line(script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The other parts' tables are still made."""
    module = script("suite")

    def failing(part: str, *_: object) -> str:
        raise subprocess.CalledProcessError(1, part)

    monkeypatch.setattr(module, "run_part", failing)
    printed, (missed,) = module.measured("stiff", tmp_path, quick=True)
    assert "stiff failed" in printed
    assert not missed.met


def test_the_page_shows_the_diagrams_and_the_numbers_are_kept(script, tmp_path: Path) -> None:
    """What a full run leaves in docs/benchmarks/: the page, the numbers, the figures."""
    made, kept = tmp_path / "made", tmp_path / "kept"
    made.mkdir()
    (made / "work_precision-Lorenz.png").write_bytes(b"png")
    (made / "equal_error.json").write_text('{"rows": []}')
    verdict = [script("table").Requirement("times heyoka", 6.5, 6.0, unit=" x")]
    script("suite").keep(script("bench_engine").SUITE, kept, made, {"processor": "a fast one"}, (["a table"], verdict))
    page = (kept / "engine.md").read_text()
    assert all(text in page for text in ("a fast one", "times heyoka", "a table", "(work_precision-Lorenz.png)"))
    assert (kept / "work_precision-Lorenz.png").exists()
    assert json.loads((kept / "engine.json").read_text())["equal_error"] == {"rows": []}
