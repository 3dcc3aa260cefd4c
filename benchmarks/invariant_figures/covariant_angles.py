"""The angles between stable and other directions: of Hénon, which has tangencies, and of Lorenz, which has none."""

import numpy as np
from drawing import panels, save

from attractory.invariants import covariant_angles
from attractory.invariants.growth_rates import Effort

figure, (densities, tails) = panels(2)
for system, pair, name in (("Henon", 0, "Hénon"), ("Lorenz", 3, "Lorenz, stable and the others"), ("Lozi", 0, "Lozi")):
    kept = covariant_angles(system, effort=Effort(trajectories=128)).convergence
    edges, counts = np.degrees(kept["edges"]), kept["counts"][pair]
    densities.stairs(counts / counts.sum() / np.diff(edges), edges, label=name, lw=1)
    shares = kept["share_below"][pair]
    tails.loglog(np.degrees(kept["angle"][shares > 0]), shares[shares > 0], ".-", lw=0.8, ms=4, label=name)
densities.set(xlabel="angle / degrees", ylabel="density", title="unstable and stable directions", xlim=(0, 90))
densities.legend(frameon=False)
tails.set(xlabel="angle / degrees", ylabel="part of the angles below it", title="towards zero")
save(figure, "covariant_angles")
