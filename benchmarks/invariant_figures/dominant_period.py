"""Spectra of Lorenz' x and z beside the red noise that they are compared with."""

from drawing import panels, save

from attractory.invariants import dominant_period

found = dominant_period("Lorenz")
frequency = found.convergence["frequency"]
figure, both = panels(2)
for axes, place, name in zip(both, (0, 2), ("x", "z"), strict=True):
    axes.plot(frequency[1:], found.convergence["spectrum"][1:, place], label="spectrum")
    axes.plot(frequency[1:], found.convergence["red_noise"][1:, place], label="red noise")
    axes.axvline(1 / found.value[place], color="0.6", lw=0.8)
    p_value = found.convergence["p_value"][place]
    axes.set(
        xscale="log",
        yscale="log",
        ylim=(1e-6, 1e3),
        xlabel="cycles per time unit",
        title=f"{name}: {found.value[place]:.3g}, p = {p_value:.2g}",
    )
    axes.legend(frameon=False)
save(figure, "dominant_period")
