"""How far Lorenz at other parameters is from Lorenz at rho = 28, by bins and by mixtures, and how the divergence falls with samples."""

import numpy as np
from drawing import panels, save

import attractory
from attractory.invariants import OccupancyBins, OccupancyMixture, state_space_divergence

lorenz = attractory.system("Lorenz")
forms = {
    "30 bins": OccupancyBins(),
    "10 bins": OccupancyBins(bins=10),
    "mixture, deviation 1": OccupancyMixture(deviation=1.0, centres=2048, draws=2048),
    "mixture, deviation 0.2": OccupancyMixture(deviation=0.2, centres=2048, draws=2048),
}
rhos = np.array([25.0, 26.0, 27.0, 27.5, 28.0, 28.5, 29.0, 30.0, 32.0, 35.0])
figure, (along, growing) = panels(2)
for name, form in forms.items():
    found = [state_space_divergence(lorenz, lorenz.with_parameters(rho=rho), occupancy=form) for rho in rhos]
    values, errors = np.array([[float(one.value), float(one.standard_error)] for one in found]).T
    along.errorbar(rhos, values, 2 * errors, fmt="o-", ms=2, lw=0.8, label=name)
    same = found[list(rhos).index(28.0)].convergence
    growing.semilogy(same["share"], same["divergence"], "o-", ms=2, lw=0.8)
along.set(xlabel="rho of the other set", ylabel="divergence (nats)", title="Lorenz, from rho = 28", yscale="log", ylim=(5e-4, 300))
along.legend(frameon=False, loc="upper center", ncols=2)
growing.set(xlabel="share of each trajectory", ylabel="divergence (nats)", title="two sets of one measure, rho = 28")
save(figure, "state_space_divergence")
