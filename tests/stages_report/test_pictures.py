"""What is drawn of a system, on systems whose answer is known."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from attractory.stages.report.growth import Growth, growth
from attractory.stages.report.pictures import HEIGHT, WIDTH, pictures_of, system_pictures
from attractory.stages.report.returns import Returns, returns
from attractory.stages.report.sample import VALUES, sample, signals
from attractory.stages.report.spectrum import Spectrum, spectrum
from attractory.stages.validate.report import Subject

TURN = 2 * np.pi


def test_oscillator_has_its_period_in_spectrum_and_passages(oscillator):
    """A cosine of period 2 pi, sampled 63 times a turn."""
    found = sample(oscillator)
    moving = signals(oscillator, found)
    power, passages = spectrum(found, moving), returns(found, moving[0])
    assert isinstance(power, Spectrum)
    assert power.period == pytest.approx(TURN, rel=2e-2)  # a parabola through three frequencies, 8 of which are a turn
    assert power.fast < 1e-6
    assert isinstance(passages, Returns)
    # float32 samples, and a straight line where the cosine bends by its third derivative alone
    assert passages.mean == pytest.approx(TURN, rel=1e-4)
    assert passages.counts.sum() == passages.number
    assert passages.low < TURN < passages.high


def test_exponent_settles_at_what_the_equations_have(fourfold, oscillator):
    """ln 2 of the map x -> 4 x (1 - x); 0 of an oscillator, whose tangent vectors turn and keep their length on average."""
    settled = growth(fourfold, sample(fourfold))
    assert isinstance(settled, Growth)
    assert settled.rate[-1] == pytest.approx(np.log(2.0), abs=5 * settled.error[-1])
    assert settled.error[-1] < 0.01
    turning = growth(oscillator, sample(oscillator))
    assert isinstance(turning, Growth)
    assert abs(turning.rate[-1]) < 1e-5  # fourth order at steps of 0.1: 1e-5 / 120 a step


def test_growth_says_why_there_is_none(stored):
    """A switch makes tangent vectors jump; a stiff flow would need very small steps."""
    states = np.stack([np.cos(np.arange(64.0)), np.sin(np.arange(64.0))], axis=1)[None]
    switching = {"name": "Switching", "equations": {"x": "v", "v": "-sign(x)"}, "initial": {"x": 1.0, "v": 0.0}}
    stiff = {"name": "Stiff", "equations": {"x": "v", "v": "-1e6*(v - x)"}, "initial": {"x": 1.0, "v": 0.0}}
    for entry, reason in ((switching, "switch"), (stiff, "stiff")):
        system = stored(entry, states, dt=0.1)
        assert reason in growth(system, sample(system))


def test_a_large_system_is_read_in_bounded_memory(stored):
    """Of 64 variables in 32 trajectories, no more than a million numbers are kept."""
    names = [f"x{place}" for place in range(64)]
    entry = {"name": "Large", "equations": {name: f"-{name}" for name in names}, "initial": dict.fromkeys(names, 1.0)}
    states = np.random.Generator(np.random.Philox(key=1)).normal(size=(32, 4096, 64))
    found = sample(stored(entry, states, dt=0.1))
    assert len(found.rows) * found.states.shape[1] * 64 <= VALUES


def test_pictures_are_there_and_the_attractor_is_a_small_png(pictures):
    """Of a flow and of a map, with the names of what is across and up."""
    for shown, axes in ((pictures["Oscillator"], ("x", "v")), (pictures["Fourfold"], ("x", "next x"))):
        assert isinstance(shown.attractor, bytes)
        assert struct.unpack(">2I", shown.attractor[16:24]) == (WIDTH, HEIGHT)
        assert len(shown.attractor) < 20_000
        assert shown.axes == axes
        assert not any(isinstance(part, str) for part in (shown.spectrum, shown.returns, shown.growth))


def test_a_system_that_cannot_be_drawn_says_why_and_stops_nothing(stored):
    """Samples that are not finite; a trajectory that stands still."""
    states = np.full((2, 64, 1), np.nan)
    entry = {"name": "Broken", "kind": "map", "equations": {"x": "x"}, "initial": {"x": 1.0}}
    shown = system_pictures(stored(entry, states, dt=1.0))
    assert shown.attractor == shown.growth == "no trajectory has 32 finite samples"
    still = system_pictures(stored(entry, np.ones((2, 64, 1)), dt=1.0))
    assert (still.spectrum, still.returns) == ("nothing moves", "nothing moves")


def test_numbers_that_nobody_can_draw_leave_the_others(stored):
    """Finite and far beyond any attractor: each picture is there or says why, and none raises."""
    states = np.linspace(1.0, 3e38, 128).reshape(1, 128, 1) * np.where(np.arange(128) % 2, 1.0, -1.0)[None, :, None]
    entry = {"name": "Huge", "kind": "map", "equations": {"x": "x**9"}, "initial": {"x": 1.0}}
    shown = system_pictures(stored(entry, states, dt=1.0))
    assert isinstance(shown.attractor, bytes)
    assert shown.growth == "a tangent vector left what doubles hold"


def test_pictures_are_of_the_worst_systems(oscillator, fourfold):
    """Where there are more than a page holds, those that failed come first."""
    checks = [Subject("range", "numbers", "Oscillator").passed(""), Subject("range", "numbers", "Fourfold").failed("")]
    assert list(pictures_of((oscillator, fourfold), checks, most=1)) == ["Fourfold"]
    assert list(pictures_of((oscillator, fourfold), checks, most=9)) == ["Oscillator", "Fourfold"]


def test_a_map_of_one_variable_is_drawn_as_its_graph(fourfold):
    """Ink lies along the parabola alone: no point pairs the end of one trajectory with the beginning of another."""
    drawn = pictures_of([fourfold], [Subject("range", "numbers", "Fourfold").passed("")], most=1)["Fourfold"].attractor
    assert isinstance(drawn, bytes)
    start = drawn.index(b"IDAT") + 4
    size = struct.unpack(">I", drawn[start - 8 : start - 4])[0]
    rows = np.frombuffer(zlib.decompress(drawn[start : start + size]), np.uint8).reshape(HEIGHT, WIDTH + 1)[:, 1:]
    down, across = np.nonzero(rows)
    x = (across + 0.5 - WIDTH / 2) / (across.max() - across.min()) + 0.5
    top, height = down.min(), down.max() - down.min()
    away = np.abs((down - top) / height - (1.0 - 4.0 * x * (1.0 - x)))
    assert away.max() < 0.06  # two pixels, where the parabola is steepest
