"""A class of behaviour is confirmed by what trajectories do, and a wrong one is refuted."""

from __future__ import annotations

import re

import pytest

VAN_DER_POL = """
name: Triode
kind: flow
behaviour: periodic
equations: {x: y, y: 2*(1 - x**2)*y - x}
initial: {x: 2.0, y: 0.0}
timescale: {period: 7.63, definition: mean time between maxima of x}
"""
LOTKA_VOLTERRA = """
name: HaresAndLynxes
kind: flow
behaviour: periodic
equations: {x: x*(1 - y), y: y*(x - 1)}
initial: {x: 1.5, y: 1.0}
conserved: {cycle: x - log(x) + y - log(y)}
timescale: {period: 6.4, definition: mean time between maxima of x}
"""
SPIRAL = """
name: Spiral
kind: flow
behaviour: fixed_point
equations: {x: y - 0.1*x, y: -x - 0.1*y}
initial: {x: 1.0, y: 0.0}
timescale: {period: 6.28, definition: one turn}
"""
TWO_OSCILLATORS = """
name: TwoOscillators
kind: flow
behaviour: quasiperiodic
parameters: {w: sqrt(2)}
equations: {x: u, u: -x, y: v, v: -w**2*y}
initial: {x: 1.0, u: 0.0, y: 1.0, v: 0.0}
conserved: {first: (x**2 + u**2)/2, second: (w**2*y**2 + v**2)/2}
timescale: {period: 6.28, definition: mean time between maxima of x}
"""
LOGISTIC = """
name: Parabola
kind: map
behaviour: periodic
parameters: {r: 3.5}
equations: {x: r*x*(1 - x)}
initial: {x: 0.4}
"""
ROTATION = """
name: Rotation
kind: map
behaviour: quasiperiodic
parameters: {turn: 0.6180339887498949}
equations: {x: x + turn}
initial: {x: 0.2}
wrap: {x: [0, 1]}
"""
BLOOD = """
name: Blood
kind: delay
behaviour: periodic
parameters: {tau: 8}
equations: {x: 0.2*x(t - tau)/(1 + x(t - tau)**10) - 0.1*x}
history: {x: 0.8}
timescale: {period: 28.0, definition: mean time between maxima of x}
"""
ENTRIES = {
    "a limit cycle": VAN_DER_POL,
    "closed orbits around a centre": LOTKA_VOLTERRA,
    "a focus": SPIRAL,
    "two frequencies": TWO_OSCILLATORS,
    "four values in turn": LOGISTIC,
    "a turn of the circle": ROTATION,
    "the attractor of Lorenz": "Lorenz",
    "the map of Hénon": "Henon",
    "two expanding directions": "HyperRossler",
    "two expanding directions of a map": "FoldedTowel",
    "a sea of an energy": "HenonHeiles",
    "a sea of a map": "Chirikov",
    "chaos that ends": "PanXuZhou",
    "a driven double well": "Duffing",
    "a switch": "Chua",
    "a stiff cycle": "Oregonator",
}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_a_true_class_is_confirmed(checked, entry):
    """Each class, for flows and maps, with attractors and without, smooth, switched, driven and stiff."""
    assert checked(entry).failures == ()


SPOILT = {
    "chaos called a cycle": ("Lorenz", "chaotic", "periodic", "chaotic"),
    "chaos called a torus": ("Rossler", "chaotic", "quasiperiodic", "chaotic"),
    "chaos called hyperchaos": ("Rossler", "chaotic", "hyperchaotic", "chaotic"),
    "chaos called a rest": ("Henon", "chaotic", "fixed_point", "chaotic"),
    "chaos called conservative": ("Lorenz", "chaotic", "conservative_chaotic", "chaotic"),
    "hyperchaos called chaos": ("HyperRossler", "hyperchaotic", "chaotic", "hyperchaotic"),
    "hyperchaos of a map called chaos": ("FoldedTowel", "hyperchaotic", "chaotic", "hyperchaotic"),
    "a sea called an attractor": ("HenonHeiles", "conservative_chaotic", "chaotic", "conservative_chaotic"),
    "a transient called chaos": ("PanXuZhou", "transient_chaotic", "chaotic", "transient_chaotic"),
    "a cycle called chaos": (VAN_DER_POL, "periodic", "chaotic", "periodic"),
    "a cycle called a torus": (VAN_DER_POL, "periodic", "quasiperiodic", "periodic"),
    "a torus called a cycle": (TWO_OSCILLATORS, "quasiperiodic", "periodic", "quasiperiodic"),
    "a torus called chaos": (ROTATION, "quasiperiodic", "chaotic", "quasiperiodic"),
    "a cycle of a map called chaos": (LOGISTIC, "periodic", "chaotic", "periodic"),
    "a rotation called a cycle": (ROTATION, "quasiperiodic", "periodic", "quasiperiodic"),
    "a rest called a cycle": (SPIRAL, "fixed_point", "periodic", "fixed_point"),
}


@pytest.mark.parametrize(("entry", "true", "said", "found"), SPOILT.values(), ids=SPOILT)
def test_a_wrong_class_is_refuted_with_the_right_one(failure, entry, true, said, found):
    """One line at the key `behaviour`, which says what the trajectories are in truth."""
    line = failure(entry, (f"behaviour: {true}", f"behaviour: {said}"))
    assert f"behaviour is {said}, and the trajectories are {found}" in line


def test_chaos_that_ends_on_a_cycle_is_a_transient(checked):
    """A droplet bounces chaotically for a thousand periods or more, and then in a cycle of two: coming back is an end, too."""
    assert checked("FluidTrampoline").failures == ()


def test_chaos_that_ends_on_a_cycle_that_rounding_blurs_is_a_transient(checked):
    """Where two variables fall to 5e-16 beside a third of 34, no turn is met again to six digits, but one comes by after each."""
    assert checked("LiuChen").failures == ()


@pytest.mark.parametrize("name", ["Lorenz", "Rossler"])
def test_an_attractor_called_a_transient_does_not_end(failure, name):
    """Trajectories part, and none of them comes to an end however long it is waited for, though those of Rössler look like turns."""
    line = failure(name, ("behaviour: chaotic", "behaviour: transient_chaotic"))
    assert "is transient_chaotic, and none of 16 chaotic trajectories has ended" in line


def test_a_variable_that_rests_at_zero_is_at_rest(checked):
    """Its rate is what rounding leaves of terms that cancel, and it has no size that this could be small beside."""
    well = SPIRAL.replace("{x: y - 0.1*x, y: -x - 0.1*y}", "{x: y, y: x - x**3 - 2*y}").replace("{x: 1.0, y: 0.0}", "{x: 0.5, y: 0.0}")
    assert checked(well).failures == ()


def test_an_escape_does_not_make_the_others_rest(checked):
    """Of HyperLu's trajectories a few leave in the first 300 periods; beside how far these go, the others would hardly seem to move."""
    (found,) = [finding for finding in checked("HyperLu").findings if finding.name == "behaviour"]
    ended = re.search(r"(\d+) of 16 have ended", found.message)
    assert found.passed
    assert ended
    assert int(ended[1]) <= 8


def test_a_cycle_called_a_transient_was_never_chaotic(failure):
    """What does not part at first is no chaos that could end."""
    line = failure(VAN_DER_POL, ("behaviour: periodic", "behaviour: transient_chaotic"))
    assert "trajectories do not part exponentially at first" in line


def test_an_entry_without_a_class_is_told_one(checked):
    """It passes, and what was found stands among its findings."""
    result = checked(VAN_DER_POL, ("behaviour: periodic\n", ""))
    assert result.passed
    assert any("the entry does not say; found periodic" in finding.message for finding in result.findings)


def test_a_cycle_of_a_delay_system_is_confirmed_and_no_chaos(checked):
    """Mackey and Glass's equation is periodic at a delay of 8: it comes back; called chaotic it fails."""
    assert checked(BLOOD).failures == ()
    (line,) = checked(BLOOD, ("behaviour: periodic", "behaviour: chaotic")).failures
    assert "behaviour is chaotic, and the trajectories are periodic" in line


def test_hyperchaos_of_a_delay_system_is_told_from_chaos(checked):
    """The equation of Ikeda has many expanding directions."""
    assert (
        "behaviour is chaotic, and the trajectories are hyperchaotic"
        in checked("IkedaDelay", ("behaviour: hyperchaotic", "behaviour: chaotic")).failures[0]
    )


def test_a_delay_system_that_dies_out_rests(checked):
    """x' = -x(t - 1) is a damped oscillation, since 1 is below pi/2."""
    entry = BLOOD.replace("{x: 0.2*x(t - tau)/(1 + x(t - tau)**10) - 0.1*x}", "{x: -x(t - tau)}").replace("tau: 8", "tau: 1")
    assert checked(entry, ("behaviour: periodic", "behaviour: fixed_point"), ("period: 28.0", "period: 4.7")).failures == ()


def test_the_annotated_exponent_is_compared_and_no_proof(failure):
    """A wrong annotation is one failure; the class stands on trajectories alone."""
    line = failure("Lorenz", ("value: [0.9063, -0.00078, -14.5722]", "value: [1.9063, -0.00078, -14.5722]"))
    assert "invariants.lyapunov_spectrum: the leading exponent is 0.9" in line
