"""What the card says of parameters that are drawn, and of splits that are not by trajectory."""

from __future__ import annotations

from collections.abc import Iterator

from attractory import layout
from attractory.stages.validate.stored import StoredDataset, StoredSystem


def reach_sentences(dataset: StoredDataset) -> str:
    """A list in Markdown with an empty line behind it; nothing where all parameters are the entries' and splits are by trajectory."""
    lines = [f"- {line}" for stored in dataset.systems for line in _lines(dataset, stored)]
    return "\n".join([*lines, "", ""]) if lines else ""


def _lines(dataset: StoredDataset, stored: StoredSystem) -> Iterator[str]:
    if stored.family is not None:
        yield _family(dataset, stored)
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


def _spread(spread: dict[str, list[float] | str]) -> str:
    if "values" in spread:
        return "of " + ", ".join(f"{value:g}" for value in spread["values"] if isinstance(value, float | int))
    low, high = spread["range"]
    return f"from {low:g} to {high:g}" + (" in its logarithm" if spread["scale"] == "log" else "")
