"""K of the logistic map over its parameter, and the correlation over the frequency of Lorenz, thinned and not."""

import numpy as np
from drawing import panels, save

import attractory
from attractory.invariants import Sampling, zero_one_test

figure, (sweep, rates) = panels(2)
values = np.linspace(3.5, 4.0, 126)
few = Sampling(trajectories=2, samples=1000)
logistic = attractory.system("Logistic")
sweep.plot(values, [zero_one_test(logistic.with_parameters(r=float(r)), sampling=few).value[0] for r in values], ".-", ms=3, lw=0.6)
sweep.set(xlabel="r", ylabel="K", title="logistic map")
for thinning, name in ((1, "every sample"), (None, "thinned")):
    found = zero_one_test("Lorenz", thinning=thinning)
    label = f"{name}: K = {found.value[0]:.2f}"
    rates.plot(found.convergence["frequency"], found.convergence["correlation"][:, 0], ".", ms=3, label=label)
rates.set(xlabel="frequency c", ylabel="correlation", title="Lorenz, x")
rates.legend(frameon=False)
save(figure, "zero_one_test")
