"""`CHANGES.md`: what is different between a version and the one before it, system by system, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from attractory import layout
from attractory.catalog.record import DIGESTED
from attractory.stages.publish.origin import Origin

_LONGEST = 200  # characters of a value that a line shows


def changes(old: Origin, new: Origin) -> str:
    """The page in Markdown; the same two versions give the same text."""
    sections = [
        f"# Changes from {old.version} to {new.version}",
        *_section("Code", _versions(old, new)),
        *_section("Recipe", _differences(_asked(old.recipe), _asked(new.recipe))),
        *_section("New systems", [f"`{name}`" for name in sorted(new.catalog.keys() - old.catalog.keys())]),
        *_section("Systems that are gone", [f"`{name}`" for name in sorted(old.catalog.keys() - new.catalog.keys())]),
        *_section("Changed systems", [line for name in _both(old, new) for line in _changed(old, new, name)]),
        *_section("Changed descriptions, same samples", [line for name in _both(old, new) for line in _described(old, new, name)]),
    ]
    same = [name for name in _both(old, new) if all(_grids(old, new, name).values())]
    sections.append(
        f"{len(same)} of {len(new.catalog)} systems have the samples that they had, to the last bit, where both versions have them."
    )
    return "\n\n".join(sections) + "\n"


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "\n".join(f"- {line}" for line in lines)] if lines else []


def _both(old: Origin, new: Origin) -> list[str]:
    return sorted(old.catalog.keys() & new.catalog.keys())


def _asked(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe without its systems, which have sections of their own."""
    return {key: value for key, value in recipe.items() if key != "systems"}


def _versions(old: Origin, new: Origin) -> list[str]:
    return _differences(old.facts[layout.VERSIONS], new.facts[layout.VERSIONS])


def _grids(old: Origin, new: Origin, name: str) -> dict[str, bool | None]:
    """Granularity of both versions -> whether its samples are the same; None where no shard holds the same trajectories in both."""
    found: dict[str, bool | None] = {}
    for key in sorted(old.decoded.keys() & new.decoded.keys()):
        if key.startswith(f"{name}/"):
            before, after = old.decoded[key], new.decoded[key]
            common = before.keys() & after.keys()
            found[key.partition("/")[2]] = all(before[shard] == after[shard] for shard in common) if common else None
    return found


def _changed(old: Origin, new: Origin, name: str) -> Iterator[str]:
    """A line for a system whose samples, or what decides them, changed."""
    before, after = (_part(origin.catalog[name], decisive=True) for origin in (old, new))
    entry, grids = _differences(before, after), _grids(old, new, name)
    if not entry and all(grids.values()):
        return
    reasons = [*entry, *_other_reasons(old, new)]
    yield f"`{name}`: {_where(grids)}. Why: {'; '.join(reasons) or 'nothing that the versions say of themselves'}."


def _where(grids: Mapping[str, bool | None]) -> str:
    moved = [grid for grid, same in grids.items() if same is False]
    unknown = [grid for grid, same in grids.items() if same is None]
    said = [f"samples differ in {', '.join(moved)}"] if moved else []
    if unknown:
        said.append(f"samples in {', '.join(unknown)} cannot be compared, as shards hold other trajectories")
    return "; ".join(said) or "no sample of a granularity that both versions have differs"


def _other_reasons(old: Origin, new: Origin) -> list[str]:
    found = []
    if _differences(_asked(old.recipe), _asked(new.recipe)):
        found.append("the recipe changed")
    before, after = (origin.facts[layout.VERSIONS].get("attractory") for origin in (old, new))
    return [*found, f"the code changed from {before} to {after}"] if before != after else found


def _described(old: Origin, new: Origin, name: str) -> Iterator[str]:
    before, after = (_part(origin.catalog[name], decisive=False) for origin in (old, new))
    keys = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    if keys and all(_grids(old, new, name).values()):
        yield f"`{name}`: {', '.join(keys)}"


def _part(record: Mapping[str, Any], *, decisive: bool) -> dict[str, Any]:
    return {key: value for key, value in record.items() if (key in DIGESTED) is decisive}


def _differences(old: Any, new: Any, key: str = "") -> list[str]:
    """Lines `key: before -> after`, as deep as both are mappings."""
    if old == new:
        return []
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = sorted(old.keys() | new.keys())
        return [line for name in names for line in _differences(old.get(name), new.get(name), f"{key}.{name}".lstrip("."))]
    return [f"`{key}`: {_shown(old)} -> {_shown(new)}"]


def _shown(value: Any) -> str:
    if value is None:
        return "not there"
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}`"
