"""Histograms of Lorenz's first exponent over windows of three lengths, and how the deviation falls with the window."""

import numpy as np
from drawing import panels, save

from attractory import System
from attractory.invariants import LyapunovTimes, finite_time_exponents

figure, (histograms, deviations) = panels(2)
for count in (1, 4, 16):
    found = finite_time_exponents("Lorenz", window=LyapunovTimes(count))
    edges, counts = found.convergence["edges"][0], found.convergence["counts"][0]
    histograms.stairs(counts / counts.sum() / np.diff(edges), edges, label=f"{count} Lyapunov times", lw=1)
histograms.axvline(float(found.value[0]), color="black", lw=0.6)
histograms.set(xlabel="first exponent", ylabel="density", title="Lorenz", xlim=(-4, 6))
histograms.legend(frameon=False)

logistic = System(name="Logistic", kind="map", equations={"x": "4*x*(1 - x)"}, initial={"x": 0.3})
for system, window, name in (("Henon", 1, "Hénon"), (logistic, 1, "logistic map at 4"), ("Lorenz", 0.75, "Lorenz, periods")):
    found = finite_time_exponents(system, window=window)
    length, deviation = found.convergence["length"] / window, found.convergence["deviation"][:, 0]
    deviations.loglog(length, deviation / deviation[0], ".-", lw=0.8, ms=4, label=name)
deviations.loglog(length, length**-0.5, "k:", lw=0.6)
deviations.loglog(length, 1.414 / length * np.sqrt(1 - 2.0**-length), "k--", lw=0.6)
deviations.set(xlabel="window", ylabel="deviation / that of the first", title="dotted: root; dashed: logistic, closed form")
deviations.legend(frameon=False)
save(figure, "finite_time_exponents")
