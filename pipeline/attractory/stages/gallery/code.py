"""What a reader copies: how to integrate a system, make a dataset of it, and use it in other programs; how to cite it."""

from __future__ import annotations

import re
from typing import NamedTuple

from attractory.catalog import Reference
from attractory.errors import AttractoryError
from attractory.expressions import System
from attractory.expressions.definition import KINDS

TARGETS = {"scipy": "SciPy", "julia": "Julia", "sympy": "SymPy", "latex": "LaTeX", "yaml": "YAML"}
_MAP_SAMPLES = 10_000
_FLOW_PERIODS, _FLOW_SAMPLES = 50, 100


class Code(NamedTuple):
    """A text to copy, and what it is called."""

    title: str
    text: str


def codes(system: System) -> list[Code]:
    """The ways to use a system, ours first; another program is left out where the system cannot be written for it."""
    others = [Code(title, text) for target, title in TARGETS.items() if (text := _as_text(system, target))]
    if system.kind not in KINDS:  # not integrated yet
        return others
    return [Code("Python", python(system)), Code("Dataset", dataset(system)), *others]


def python(system: System) -> str:
    """A script that integrates the system."""
    if system.kind == "map":
        length = f"samples={_MAP_SAMPLES}"
    elif system.period is None:
        length = "samples=5000, dt=0.02"
    else:
        length = f"periods={_FLOW_PERIODS}, samples_per_period={_FLOW_SAMPLES}"
    names = ", ".join(system.variables[:8]) + (", …" if len(system.variables) > 8 else "")
    return (
        "import attractory\n\n"
        f'system = attractory.system("{system.name}")\n'
        f"trajectories = attractory.integrate(system, trajectories=16, {length})\n"
        f'state = trajectories["state"].values  # (trajectory, time, variable): {names}\n'
        "slope = system.rhs(state[:, 0])" + ("  # the next state" if system.kind == "map" else "") + "\n"
    )


def dataset(system: System) -> str:
    """A recipe, and how its store is made and read."""
    name = system.name.lower()
    if system.kind != "map" and system.period is None:
        grains = "  fine: {dt: 0.02, samples: 4096}\n"
    else:
        grains = "  coarse: {samples_per_period: 15, samples: 1024}\n  fine: {samples_per_period: 100, samples: 4096}\n"
    return (
        f"# datasets/{name}/recipe.yaml\n"
        f"name: {name}\n"
        f"description: Trajectories of {system.name}.\n"
        "seed: 0\n"
        f"systems: [{system.name}]\n"
        "trajectories: {train: 192, validation: 32, test: 32}\n"
        f"granularities:\n{grains}\n"
        f"# then: attractory build datasets/{name}\n"
        "# and, in Python:\n"
        f'#   dataset = attractory.open("datasets/{name}/{name}.zarr")\n'
        '#   windows = dataset.windows(granularity="fine", split="train", context=512, horizon=128, batch_size=256, seed=0)\n'
    )


def bibtex(name: str, reference: Reference) -> str:
    """The reference as an entry of BibTeX."""
    kind = "article" if reference.journal else "book" if reference.isbn else "misc"
    first = re.sub(r"\W", "", re.split(r"[ ,]", reference.authors.strip())[0]) or name
    fields = {
        "author": _escaped(re.sub(r"\., (?=\w)", ". and ", reference.authors)),
        "title": f"{{{_escaped(reference.title)}}}",
        "journal": _escaped(reference.journal or ""),
        "year": str(reference.year),
        "doi": reference.doi,
        "isbn": reference.isbn,
        "url": reference.url,
    }
    lines = [f"  {key} = {{{value}}}" for key, value in fields.items() if value]
    return f"@{kind}{{{first}{reference.year},\n" + ",\n".join(lines) + "\n}\n"


def _escaped(text: str) -> str:
    return re.sub(r"[&%#]", r"\\\g<0>", text)


def _as_text(system: System, target: str) -> str | None:
    try:
        return system.as_text(target)
    except AttractoryError:
        return None
