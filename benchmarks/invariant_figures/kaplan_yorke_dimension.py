"""The sum of the first k exponents over k, whose zero is the dimension: Lorenz, Hénon and a ring of Lorenz 1996."""

import numpy as np
from drawing import panels, save

import attractory
from attractory.invariants import kaplan_yorke_dimension, lyapunov_spectrum
from attractory.invariants.lyapunov_spectrum import Effort

figure, axes = panels(2)
for name in ("Lorenz", "Henon"):
    spectrum = lyapunov_spectrum(name, standard_error=5e-3, effort=Effort(trajectories=128))
    sums = np.concatenate([[0.0], np.cumsum(spectrum.value)])
    dimension = kaplan_yorke_dimension(spectrum)
    axes[0].plot(sums, ".-", lw=0.8, label=f"{name}: {dimension}")
axes[0].axhline(0.0, color="black", lw=0.5)
axes[0].set(xlabel="exponents", ylabel="their sum", ylim=(-3, 1.2), title="sum of the first exponents")
axes[0].legend(frameon=False)
henon = attractory.system("Henon")
values = np.linspace(1.0, 1.4, 81)
found = [
    kaplan_yorke_dimension(lyapunov_spectrum(henon.with_parameters(a=float(a)), standard_error=1e-2, effort=Effort(trajectories=32)))
    for a in values
]
axes[1].errorbar(values, [float(one.value) for one in found], [2 * float(one.standard_error) for one in found], fmt=".", ms=3, lw=0.6)
axes[1].set(xlabel="a", ylabel="dimension", title="Hénon map, b = 0.3")
save(figure, "kaplan_yorke_dimension")
