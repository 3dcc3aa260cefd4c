"""The running mean of the divergence of Rössler's flow, beside the sum of its exponents."""

from drawing import panels, save

from attractory.invariants import lyapunov_spectrum, mean_divergence
from attractory.invariants.lyapunov_spectrum import Effort

figure, (running,) = panels(1, width=6.0)
found = mean_divergence("Rossler", trajectories=16)
spectrum = lyapunov_spectrum("Rossler", standard_error=5e-3, effort=Effort(trajectories=16), seed=1)
running.plot(found.convergence["time"], found.convergence["running"], lw=0.8, label=f"mean divergence: {found}")
running.axhline(spectrum.value.sum(), color="black", lw=0.8, label=f"sum of the exponents: {spectrum.value.sum():.4g}")
running.set(xlabel="time", ylabel="mean up to then", title="Rössler")
running.legend(frameon=False)
save(figure, "mean_divergence")
