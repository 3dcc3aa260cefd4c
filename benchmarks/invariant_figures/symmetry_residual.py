"""Lorenz against its mirror image, and a Lorenz measure with one wing weighted more."""

import numpy as np
from drawing import panels, save

import attractory
from attractory.invariants import symmetry_residual

states = attractory.integrate("Lorenz", trajectories=128, samples=512)["state"].values
weights = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
found = []
for weight in weights:
    moved = states.copy()
    turned = np.random.default_rng(0).random(moved.shape[:2]) < 2 * weight
    signs = np.where(turned, np.sign(moved[:, :, 0]), 1.0)
    moved[:, :, :2] *= signs[:, :, None]
    found.append(symmetry_residual(moved, system="Lorenz"))
figure, (axes,) = panels(1, width=5.0)
axes.errorbar(
    [0.5 + one for one in weights],
    [float(one.value[0]) for one in found],
    [2 * float(one.standard_error[0]) for one in found],
    fmt="o-",
    ms=3,
)
axes.set(xlabel="share of the measure at x > 0", ylabel="symmetry residual")
save(figure, "symmetry_residual")
