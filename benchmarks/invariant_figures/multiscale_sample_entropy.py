"""Noise, the logistic map and Lorenz' x over the scale."""

import numpy as np
from drawing import panels, save
from scipy.special import erf

import attractory
from attractory.invariants import multiscale_sample_entropy

logistic = attractory.system("Logistic").with_parameters(r=4)
noise = np.random.default_rng(0).standard_normal((16, 4096, 1))
figure, (axes,) = panels(1, width=5.0)
for source, name in ((noise, "white noise"), (logistic, "logistic map, r = 4"), ("Lorenz", "Lorenz, x")):
    found = multiscale_sample_entropy(source, scales=16)
    axes.errorbar(found.convergence["scale"], found.value[:, 0], 2 * found.standard_error[:, 0], fmt="o-", ms=3, label=name)
scales = np.arange(1, 17)
axes.plot(scales, -np.log(erf(0.15 * np.sqrt(scales) / 2)), color="0.4", lw=0.8, label="white noise, exact")
axes.set(xlabel="scale", ylabel="sample entropy (nats)")
axes.legend(frameon=False)
save(figure, "multiscale_sample_entropy")
