"""The running means of Lorenz's exponents with their errors, and the histogram of its local ones."""

import numpy as np
from drawing import panels, save

from attractory.invariants import lyapunov_spectrum
from attractory.invariants.lyapunov_spectrum import Effort

found = lyapunov_spectrum("Lorenz", standard_error=1e-9, effort=Effort(trajectories=64, budget=600.0))
kept = found.convergence
figure, (running, local) = panels(2)
for place, name in enumerate(("first", "second", "third less its mean")):
    mean, error = kept["running"][:, place] - (found.value[2] if place == 2 else 0.0), kept["running_error"][:, place]
    running.fill_between(kept["time"], mean - 2 * error, mean + 2 * error, alpha=0.3, lw=0)
    running.plot(kept["time"], mean, lw=0.8, label=name)
running.set(xlabel="time behind the settling", ylabel="exponent", title="64 trajectories, two standard errors")
running.legend(frameon=False)
edges, counts = kept["local_edges"][0], kept["local_counts"][0]
local.stairs(counts / counts.sum() / np.diff(edges), edges, fill=True)
local.axvline(found.value[0], color="black", lw=0.8)
local.set(xlabel=f"first exponent over {16 * found.settings['interval']:.2f} time units", ylabel="density", title="local exponents")
save(figure, "lyapunov_spectrum")
