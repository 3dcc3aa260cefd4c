"""The mutual information of Lorenz' coordinates, and of the logistic map's values."""

from drawing import panels, save

import attractory
from attractory.invariants import mutual_information_time

logistic = attractory.system("Logistic").with_parameters(r=4)
figure, (flow, iterates) = panels(2)
found = mutual_information_time("Lorenz", longest=100)
for place, name in enumerate("xyz"):
    flow.plot(found.convergence["lag"], found.convergence["information"][:, place], label=f"{name}: {found.value[place]:.3g}")
flow.set(xlabel="lag", ylabel="information (nats)", title="Lorenz")
found = mutual_information_time(logistic, longest=20)
iterates.plot(found.convergence["lag"], found.convergence["information"][:, 0], "o-", ms=3, label=f"x: {found.value[0]:.3g}")
iterates.axhline(found.convergence["nothing_left"], color="0.6", lw=0.8)
iterates.set(xlabel="iterates", yscale="log", ylim=(1e-5, 5), title="logistic map, r = 4")
for axes in (flow, iterates):
    axes.legend(frameon=False)
save(figure, "mutual_information_time")
