"""The autocorrelation of Lorenz' coordinates."""

import numpy as np
from drawing import panels, save

from attractory.invariants import autocorrelation_time

found = autocorrelation_time("Lorenz", longest=400)
figure, (axes,) = panels(1, width=5.0)
for place, name in enumerate("xyz"):
    axes.plot(found.convergence["lag"], found.convergence["autocorrelation"][:, place], label=f"{name}: 1/e at {found.value[0, place]:.3f}")
axes.axhline(np.exp(-1), color="0.6", lw=0.8)
axes.axhline(0, color="0.6", lw=0.8)
axes.set(xlabel="lag", ylabel="autocorrelation")
axes.legend(frameon=False)
save(figure, "autocorrelation_time")
