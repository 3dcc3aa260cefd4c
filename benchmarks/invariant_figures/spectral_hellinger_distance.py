"""Spectra of Lorenz' z at two parameters, and the distance of spectra along the parameter."""

import numpy as np
from drawing import panels, save

import attractory
from attractory.invariants import SpectralSettings, spectral_hellinger_distance

lorenz = attractory.system("Lorenz")
figure, (spectra, along) = panels(2)
found = spectral_hellinger_distance(lorenz, lorenz.with_parameters(rho=35))
shown = found.convergence["frequency"] < 6
for name, label in (("reference", "rho = 28"), ("other", "rho = 35")):
    spectra.semilogy(found.convergence["frequency"][shown], found.convergence[name][shown, 2], lw=0.9, label=label)
distance = found.convergence["by_coordinate"][2]
spectra.set(xlabel="frequency (cycles per time unit)", ylabel="share of the power", title=f"Lorenz, z: distance {distance:.2f}")
spectra.legend(frameon=False)
rhos = np.array([25.0, 26.0, 27.0, 27.5, 28.0, 28.5, 29.0, 30.0, 32.0, 35.0])
for smoothing in (0.0, 2.0, 10.0):
    measured = [
        spectral_hellinger_distance(lorenz, lorenz.with_parameters(rho=rho), settings=SpectralSettings(smoothing=smoothing)) for rho in rhos
    ]
    values, errors = np.array([[float(one.value), float(one.standard_error)] for one in measured]).T
    along.errorbar(rhos, values, 2 * errors, fmt="o-", ms=2, lw=0.8, label=f"smoothing {smoothing:g}")
along.set(xlabel="rho of the other set", ylabel="distance", title="Lorenz, from rho = 28", ylim=(0, 0.29))
along.legend(frameon=False, loc="upper center", ncols=3)
save(figure, "spectral_hellinger_distance")
