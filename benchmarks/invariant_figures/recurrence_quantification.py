"""A recurrence plot of Lorenz, the lengths of its lines, and determinism and laminarity along the logistic map."""

import numpy as np
from drawing import panels, save
from scipy.spatial.distance import cdist

import attractory
from attractory.invariants import RecurrenceSettings, Sampling, recurrence_quantification, samples_of

figure, (plot, lines, along) = panels(3, width=3.0)
states = samples_of("Lorenz", Sampling(trajectories=1, samples=200, dt=0.0927)).states[0]
scaled = (states - states.mean(axis=0)) / states.std(axis=0)
plot.imshow(cdist(scaled, scaled) < 0.5, cmap="Greys", origin="lower", extent=(0, 18.5, 0, 18.5), interpolation="nearest")
plot.set(xlabel="time", ylabel="time", title="Lorenz, radius 0.5")

found = recurrence_quantification("Lorenz")
shuffled = np.random.default_rng(0).permutation(samples_of("Lorenz", Sampling(16, 2048, dt=0.0927)).states, axis=1)
lines.loglog(found.convergence["length"], found.convergence["diagonals"], ".", ms=3, label=f"determinism {found.value[1]:.3f}")
noise = recurrence_quantification(shuffled, dt=0.0927)
lines.loglog(noise.convergence["length"], noise.convergence["diagonals"], ".", ms=3, label=f"shuffled: {noise.value[1]:.3f}")
lines.set(xlabel="length of a diagonal (time)", ylabel="lines", title="Lorenz, rate 0.02")
lines.legend(frameon=False)

rates = np.linspace(3.55, 4.0, 181)
logistic = attractory.system("Logistic")
settings = RecurrenceSettings(radius=0.05, window=1)
measured = [
    recurrence_quantification(logistic.with_parameters(r=rate), settings=settings, sampling=Sampling(4, 512)).value for rate in rates
]
along.plot(rates, [one[1] for one in measured], lw=0.8, label="determinism")
along.plot(rates, [one[2] for one in measured], lw=0.8, label="laminarity")
along.set(xlabel="r", title="logistic map, radius 0.05", ylim=(0, 1.02))
along.legend(frameon=False, loc="center left")
save(figure, "recurrence_quantification")
