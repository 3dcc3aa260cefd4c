"""Shares of patterns of the logistic map, and the entropy of Lorenz' x over the delay."""

import numpy as np
from drawing import panels, save

import attractory
from attractory.invariants import permutation_entropy

logistic = attractory.system("Logistic").with_parameters(r=4)
figure, (shares, delays) = panels(2)
patterns = ("123", "132", "213", "231", "312", "321")
shares.bar(patterns, permutation_entropy(logistic, order=3).convergence["share"][:, 0])
shares.plot(patterns, np.array([5, 1, 2, 4, 3, 0]) / 15, "_", ms=16, label="exact")
shares.set(ylabel="share", title="logistic map, r = 4")
shares.legend(frameon=False)
steps = np.array([1, 2, 4, 7, 10, 15, 21, 30, 45, 60])
found = [permutation_entropy("Lorenz", delay=int(step)) for step in steps]
delays.plot(steps * 0.015, [one.value[0] for one in found], "o-", ms=3)
delays.set(xlabel="delay", ylabel="normalised entropy", title="Lorenz, x")
save(figure, "permutation_entropy")
