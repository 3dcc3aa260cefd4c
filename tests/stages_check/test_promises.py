"""Every other promise of an entry: kept where it is true, one line with file, line and key where it is not."""

from __future__ import annotations

import re
import time

import pytest

OSCILLATOR = """
name: Oscillator
kind: flow
behaviour: periodic
parameters: {w: 1.0}
ranges: {w: [0.5, 2]}
equations: {x: y, y: -w**2*x}
initial: {x: 1.0, y: 0.0}
avoid: [x**2 + y**2]
symmetries: [{x: -x, y: -y}]
conserved: {energy: (w**2*x**2 + y**2)/2}
timescale: {period: 6.28, definition: mean time between maxima of x}
variants: {fast: {w: 2}}
"""
PENDULUM = """
name: Pendulum
kind: flow
behaviour: periodic
equations: {q: p, p: -sin(q)}
initial: {q: 0.0, p: 2.5}
wrap: {q: [-pi, pi]}
timescale: {period: 3.0, definition: one turn}
"""
RUNAWAY = """
name: Runaway
kind: flow
equations: {x: x**2}
initial: {x: 1.0}
timescale: {period: 1, definition: none}
"""
DRIFT = """
name: Drift
kind: flow
behaviour: quasiperiodic
equations: {x: y, y: -x, u: 'sqrt(2) + x/2'}
initial: {x: 1.0, y: 0.0, u: 0.0}
unbounded: [u]
timescale: {period: 6.28, definition: mean time between maxima of x}
"""


@pytest.mark.parametrize("entry", [OSCILLATOR, PENDULUM, DRIFT], ids=["oscillator", "pendulum", "drift"])
def test_true_promises_are_kept(checked, entry):
    """Conserved, symmetric, with a range and a variant; on a circle; growing without bound where it says so."""
    assert checked(entry).failures == ()


WRONG = {
    "a symmetry": (OSCILLATOR, ("[{x: -x, y: -y}]", "[{x: -x, y: y}]"), r":10: symmetries\.0 is not a symmetry"),
    "a symmetry, but for a millionth": (
        OSCILLATOR,
        ("[{x: -x, y: -y}]", "[{x: 1.000001*y, y: -x}]"),
        r":10: symmetries\.0 is not a symmetry",
    ),
    "a conserved quantity": (OSCILLATOR, ("(w**2*x**2 + y**2)/2", "x**2 + y**2/2"), r":11: conserved\.energy is not conserved"),
    "a range": (OSCILLATOR, ("[0.5, 2]", "[1.5, 2]"), r":6: ranges\.w is \[1\.5, 2\] and does not hold the entry's own value, 1\.0"),
    "a set to avoid": (OSCILLATOR, ("[x**2 + y**2]", "[y]"), r":9: avoid\.0 'y' is 0 at the initial state"),
    "a period": (
        OSCILLATOR,
        ("period: 6.28", "period: 4.5"),
        r":12: timescale\.period is 4\.5, and the mean time between maxima of x is 6\.28",
    ),
    "a circle": (PENDULUM, ("[-pi, pi]", "[-3, 3]"), r"wrap says that q is on a circle"),
    "an unbounded variable": (DRIFT, ("unbounded: [u]\n", ""), r":5: equations: u went on growing"),
    "a variant": (
        OSCILLATOR,
        ("{fast: {w: 2}}", "{fast: {equations: {y: x**3}}}"),
        r":13: variants\.fast: the trajectory .* left every bound",
    ),
    "an initial state": (RUNAWAY, ("kind: flow", "kind: flow"), r":5: initial: the trajectory from here left every bound"),
}


@pytest.mark.parametrize(("entry", "change", "message"), WRONG.values(), ids=WRONG)
def test_a_promise_that_is_not_kept_is_one_line(failure, entry, change, message):
    """At the line of its key, with what was found."""
    assert re.search(message, failure(entry, change))


def test_draws_that_leave_are_a_failure(failure):
    """The initial state itself stays, on the edge of what stays; most states drawn around it do not."""
    entry = OSCILLATOR.replace("y: -w**2*x", "y: '-w**2*x + where(x**2 + y**2 > 1.000001, 100*y, 0)'")
    for key in ("ranges: {w: [0.5, 2]}\n", "conserved: {energy: (w**2*x**2 + y**2)/2}\n", "variants: {fast: {w: 2}}\n"):
        entry = entry.replace(key, "")
    assert "from states drawn around it, or in the basin" in failure(entry)


HOSTILE = {
    "an enormous period": (OSCILLATOR, ("period: 6.28", "period: 1.0e+12"), "periods take more than"),
    "a tiny unit of time": (OSCILLATOR, ("{w: 1.0}\nranges: {w: [0.5, 2]}", "{w: 1.0e+9}"), "left every bound"),
    "thousands of variables": (
        "name: Ring\nkind: flow\nindices: {i: 9000}\nequations: {'x[i]': 'x[i+1] - x[i]'}\ninitial: {'x[i]': 1}\n",
        ("kind: flow", "kind: flow"),
        "too many to be tried",
    ),
    "a delay much shorter than the period": (
        "name: Short\nkind: delay\nbehaviour: chaotic\nequations: {x: -x(t - 1.0e-9)}\nhistory: {x: 1}\n"
        "timescale: {period: 1, definition: none}\n",
        ("kind: delay", "kind: delay"),
        "",
    ),
}


@pytest.mark.parametrize(("entry", "change", "message"), HOSTILE.values(), ids=HOSTILE)
def test_what_would_take_for_ever_is_refused_soon(failure, entry, change, message):
    """One line, after some seconds at most on a slow machine."""
    failure(OSCILLATOR, ("period: 6.28", "period: 60"))  # compiled drivers are there
    begun = time.thread_time()
    assert message in failure(entry, change)
    assert time.thread_time() - begun < 10.0
