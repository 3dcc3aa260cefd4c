"""The energy of the double pendulum at three tolerances."""

from drawing import panels, save

from attractory.invariants import Sampling, conserved_drift

figure, (axes,) = panels(1, width=5.0)
for tolerance in (1e-6, 1e-9, 1e-12):
    found = conserved_drift("DoublePendulum", sampling=Sampling(trajectories=8, samples=2048, tolerance=tolerance))
    axes.plot(found.convergence["time"][1:], found.convergence["drift"][1:, 0], lw=0.7, label=f"tolerance {tolerance:.0e}")
axes.set(yscale="log", xlabel="time", ylabel="relative drift of the energy")
axes.legend(frameon=False)
save(figure, "conserved_drift")
