"""The entropy of the logistic map over its parameter, with its error: zero in the windows."""

import numpy as np
from drawing import panels, save

import attractory
from attractory.invariants import ks_entropy, lyapunov_spectrum
from attractory.invariants.lyapunov_spectrum import Effort

figure, (sweep,) = panels(1, width=6.0)
logistic = attractory.system("Logistic")
values = np.linspace(3.5, 4.0, 201)
found = [
    ks_entropy(lyapunov_spectrum(logistic.with_parameters(r=float(r)), standard_error=1e-2, effort=Effort(trajectories=32))) for r in values
]
sweep.errorbar(values, [float(one.value) for one in found], [2 * float(one.standard_error) for one in found], fmt=".-", ms=3, lw=0.6)
sweep.axhline(np.log(2.0), color="black", lw=0.5)
sweep.set(xlabel="r", ylabel="entropy in nats an iterate", title="logistic map; the line is ln 2")
save(figure, "ks_entropy")
