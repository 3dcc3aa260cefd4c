"""Distances of neighbours over time: of Hénon with the range that the rule takes, and of signals that are and are not chaotic."""

import numpy as np
from drawing import panels, save

from attractory.invariants import DelayCoordinates, NeighbourPairs, Sampling, largest_exponent_from_data, samples_of

figure, (henon, signals) = panels(2)
for algorithm, colour in (("rosenstein", "C0"), ("kantz", "C1")):
    found = largest_exponent_from_data("Henon", algorithm=algorithm)
    kept, settings = found.convergence, found.settings
    time = kept["time"]
    shown = kept["far_apart"] < 0.7
    henon.plot(time[shown], kept["far_log_distance"][shown], ":", color=colour, lw=0.8)
    henon.plot(time[shown], kept["log_distance"][shown], ".-", color=colour, ms=3, lw=0.6, label=f"{algorithm}: {found}")
    inside = (time >= settings["range_begins"]) & (time <= settings["range_ends"])
    middle = kept["log_distance"][inside].mean() - float(found.value) * time[inside].mean()
    henon.plot(time[inside], middle + float(found.value) * time[inside], color=colour, lw=3, alpha=0.3)
henon.set(xlabel="iterates", ylabel="mean log distance", title="Hénon, 0.419; dotted: pairs farther apart", ylim=(-9, 1))
henon.legend(frameon=False, loc="lower right")

draws = np.random.default_rng(0)
lorenz = samples_of("Lorenz", Sampling(1, 40_000, dt=0.03)).states[0, :, 0]
sine = np.sin(2 * np.pi * 0.04 * np.sqrt(2) * np.arange(20_000))
smooth = np.convolve(draws.standard_normal(20_000), np.hanning(25), mode="same")
for values, delays, name in (
    (lorenz, DelayCoordinates(7, 4), "Lorenz, x"),
    (sine, DelayCoordinates(3, 5), "sine"),
    (sine + 0.01 * draws.standard_normal(20_000), DelayCoordinates(3, 5), "sine with noise"),
    (smooth, DelayCoordinates(3, 8), "smooth noise"),
):
    found = largest_exponent_from_data(values, pairs=NeighbourPairs(delays=delays))
    curve = found.convergence["log_distance"][:130]
    signals.plot(curve, lw=1, label=f"{name}: {'exponential' if found.settings['exponential'] else 'not exponential'}")
signals.set(xlabel="samples", ylabel="mean log distance", title="one variable in delay coordinates", ylim=(-13, 6))
signals.legend(frameon=False, loc="upper right", ncols=2, fontsize=6)
save(figure, "largest_exponent_from_data")
