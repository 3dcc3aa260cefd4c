"""Quantiles of the logistic map against the arcsine distribution, with their errors."""

import numpy as np
from drawing import panels, save

import attractory
from attractory.invariants import moments_and_quantiles

logistic = attractory.system("Logistic").with_parameters(r=4)
shares = tuple(np.linspace(0.02, 0.98, 25))
found = moments_and_quantiles(logistic, quantiles=shares)
exact = np.sin(np.pi * np.array(shares) / 2) ** 2
figure, (values, errors) = panels(2)
values.plot(shares, exact, color="0.5", lw=0.8, label="arcsine")
values.plot(shares, found.value[4:, 0], ".", label="measured")
values.set(xlabel="share below", ylabel="quantile")
values.legend(frameon=False)
errors.errorbar(shares, found.value[4:, 0] - exact, found.standard_error[4:, 0], fmt=".", lw=0.8)
errors.axhline(0, color="0.5", lw=0.8)
errors.set(xlabel="share below", ylabel="difference")
save(figure, "moments_and_quantiles")
