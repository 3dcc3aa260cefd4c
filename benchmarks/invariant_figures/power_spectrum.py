"""Spectra of Lorenz' x and z, with their errors."""

from drawing import panels, save

from attractory.invariants import power_spectrum

found = power_spectrum("Lorenz", segment=1024)
frequency = found.convergence["frequency"]
figure, (axes,) = panels(1, width=5.0)
for place, name in ((0, "x"), (2, "z")):
    value, error = found.value[1:200, place], found.standard_error[1:200, place]
    axes.plot(frequency[1:200], value, label=name)
    axes.fill_between(frequency[1:200], value - 2 * error, value + 2 * error, alpha=0.3)
axes.set(yscale="log", xlabel="cycles per time unit", ylabel="power", ylim=(1e-7, None))
axes.legend(frameon=False)
save(figure, "power_spectrum")
