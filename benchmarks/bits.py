"""Whether every catalogued system has the same bits with every instruction set, lane width and order of a batch.

Nine trajectories of each, drawn around the catalogued state: two periods at 15 samples a period, and 60 samples at 100 a
period; of maps every iterate and every seventh. Nothing is left out. Exit code 1 where one digest differs.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from table import table

import attractory
from attractory import catalog
from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, drawn_state, integrate_ensemble
from attractory.kernels import Target

TRAJECTORIES, SAMPLES, PERIODS = 9, 60, 2
WIDTHS = (2, 4, 8)
ORDERS = {"in order": slice(None), "reversed": slice(None, None, -1), "shuffled": np.random.default_rng(0).permutation(TRAJECTORIES)}


def targets() -> tuple[str, ...]:
    """The instruction sets that can be forced here."""
    return ("sse2", "avx2", "native") if platform.machine().lower() in ("x86_64", "amd64") else ("native",)


def sampled(system: System, order: slice | NDArray[np.int64], engine: Engine) -> bytes:
    """The bytes of the ensemble's samples and statuses, put back into the order of the trajectories' numbers."""
    places = np.arange(TRAJECTORIES)[order]
    starts = np.array([drawn_state(system, seed=0, trajectory=int(place)) for place in places])
    values = np.tile(np.asarray(system.definition.values, np.float64), (TRAJECTORIES, 1))
    period = system.period or 1.0
    grids = [SampleGrid(1, SAMPLES), SampleGrid(7, SAMPLES)] if system.kind == "map" else _flow_grids(period)
    made = integrate_ensemble(system.definition, Ensemble(starts, values, np.zeros(TRAJECTORIES)), grids=grids, engine=engine)
    back = np.argsort(places)
    parts = [*made.states, made.status]
    return b"".join(np.ascontiguousarray(part[back]).tobytes() for part in parts)


def _flow_grids(period: float) -> list[SampleGrid]:
    return [SampleGrid(period / 15, 15 * PERIODS + 1), SampleGrid(period / 100, SAMPLES)]


def variants(quick: bool) -> Iterator[tuple[str, int, str]]:
    """(target, lane width, order of the batch): all of them; for a look, each target and each width once."""
    for target in targets():
        for width in WIDTHS:
            for order in ORDERS:
                if not quick or (target, width, order) in (("sse2", 2, "shuffled"), ("avx2", 4, "reversed"), ("native", 8, "in order")):
                    yield target, width, order


def line(name: str, chosen: list[tuple[str, int, str]], tolerance: float) -> tuple[str, str, list[tuple[str, int, str]]]:
    """(system, digest that most variants have, variants that have another)."""
    system = attractory.system(name)
    digests = {
        (target, width, order): hashlib.sha256(
            sampled(system, ORDERS[order], Engine(tolerance=tolerance, target=Target(target), lanes=width))
        ).hexdigest()[:16]
        for target, width, order in chosen
    }
    common = max(set(digests.values()), key=list(digests.values()).count)
    return name, common, [variant for variant, digest in digests.items() if digest != common]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="*", help="names; all of the catalog where none is given")
    parser.add_argument("--quick", action="store_true", help="each target and each lane width once instead of all together")
    parser.add_argument("--tolerance", type=float, default=1e-14)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to put the table")
    options = parser.parse_args()
    chosen = list(variants(options.quick))
    lines = []
    for name in options.systems or list(catalog.read_catalog()):
        lines.append(line(name, chosen, options.tolerance))
        print(f"{name}: {len(chosen) - len(lines[-1][2])} of {len(chosen)}", file=sys.stderr, flush=True)
    differing = [name for name, _, others in lines if others]
    text = table(
        ["system", "digest", "variants that agree", "that differ"],
        [
            [name, f"`{digest}`", f"{len(chosen) - len(others)} of {len(chosen)}", "; ".join(map(str, others)) or "none"]
            for name, digest, others in lines
        ],
    )
    heading = (
        f"{len(chosen)} variants of {', '.join(targets())}; lanes {', '.join(map(str, WIDTHS))}; batch {', '.join(ORDERS)}; "
        f"tolerance {options.tolerance:g}"
    )
    verdict = f"{len(lines) - len(differing)} of {len(lines)} systems have the same bits in all variants; left out: none."
    print(f"{heading}\n\n{text}\n\n{verdict}")
    if options.out:
        options.out.write_text(f"# The same bits\n\n`python benchmarks/bits.py`: {heading}.\n\n{text}\n\n{verdict}\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
