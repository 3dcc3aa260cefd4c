"""What the card says of drawn parameters, of boxes of initial states, of observations, and of splits that are not by trajectory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attractory import layout
from attractory.stages.validate.stored import StoredDataset, StoredSystem


def reach_sentences(dataset: StoredDataset) -> str:
    """A list in Markdown with an empty line behind it; nothing where all parameters are the entries' and splits are by trajectory."""
    lines = [f"- {line}" for stored in dataset.systems for line in _lines(dataset, stored)]
    return "\n".join([*lines, "", ""]) if lines else ""


def _lines(dataset: StoredDataset, stored: StoredSystem) -> Iterator[str]:
    if stored.family is not None:
        yield _family(dataset, stored)
    if stored.start_box is not None:
        ranges = ", ".join(f"{name} {low:g} to {high:g}" for name, low, high in stored.start_box.ranges)
        yield f"{stored.name}: trajectories start in a box, {ranges}, and run through the transient from there."
    if layout.OBSERVATION in stored.attributes:
        yield _observation(stored)
    by = stored.attributes.get(layout.SPLIT_BY)
    if by == "parameters":
        yield f"{stored.name}: the splits hold different parameter sets."
    if by == "system":
        held = layout.SPLITS[int(stored.split[0])]
        yield f"{stored.name} is held out: all of its trajectories are in {held}."


def _family(dataset: StoredDataset, stored: StoredSystem) -> str:
    family = stored.family or {}
    drawn = ", ".join(f"{name} {_spread(spread)}" for name, spread in family["parameters"].items())
    text = f"{stored.name}: {family['sets']} parameter sets ({family['draw'].replace('_', ' ')}), {drawn}"
    if "behaviour" in family:
        counts = dataset.attributes[layout.PARAMETER_REDRAWS][stored.name]
        text += f"; each of them {family['behaviour'].replace('_', ' ')}, for which {counts['drawn_again']} sets were drawn again"
        text += f" and {counts['not_found']} were not found" if counts["not_found"] else ""
    return f"{text}. `parameters`, `parameter_set` (trajectory)."


def _spread(spread: Mapping[str, Any]) -> str:
    if "values" in spread:
        return "of " + ", ".join(f"{value:g}" for value in spread["values"])
    low, high = spread["range"]
    return f"from {low:g} to {high:g}" + (" in its logarithm" if spread["scale"] == "log" else "")


def _observation(stored: StoredSystem) -> str:
    asked = stored.attributes[layout.OBSERVATION]
    text = f"{stored.name}: `observed` beside `state` holds {', '.join(asked['variables'])}"
    if asked["noise"] is None:
        return f"{text}, without noise."
    unit = " standard deviations of each variable" if asked["noise"]["relative_to"] == "deviation" else ""
    return f"{text} with nearly Gaussian noise of {asked['noise']['level']:g}{unit}; its standard deviation is `observation_noise`."
