"""What a published dataset is made from: `recipe.json` and `catalog.json`, all that `attractory reproduce` needs beside the digests."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from attractory import layout
from attractory.stages.validate.stored import StoredDataset
from attractory.store import read_manifest

LATEST, RECIPE, CATALOG = "latest", "recipe.json", "catalog.json"
_FACTS = (layout.RECIPE, layout.RECIPE_DIGEST, layout.CATALOG_DIGEST, layout.VERSIONS)


@dataclass(frozen=True)
class Origin:
    """A version by what decides it. decoded: `<System>/<granularity>` -> the digest of the values of each shard, by its path and by how
    many trajectories it holds."""

    version: str
    facts: Mapping[str, Any]
    catalog: Mapping[str, Mapping[str, Any]]
    decoded: Mapping[str, Mapping[tuple[str, int], str]]

    @property
    def recipe(self) -> Mapping[str, Any]:
        recipe: Mapping[str, Any] = self.facts[layout.RECIPE]
        return recipe


def origin_of(dataset: StoredDataset, *, version: str) -> Origin:
    """The origin of a store that is here."""
    facts = {"dataset": dataset.name, "store": dataset.path.name, **{key: dataset.attributes[key] for key in _FACTS}}
    if layout.PARENT in dataset.attributes:
        facts[layout.PARENT] = dataset.attributes[layout.PARENT]
    catalog = {stored.name: stored.attributes[layout.RECORD] for stored in dataset.systems}
    return Origin(version, facts, catalog, decoded_digests((dataset.path / layout.MANIFEST).read_bytes()))


def read_origin(version: str, files: Mapping[str, bytes]) -> Origin:
    """The origin of a version from its files; the manifest's path is below the store that recipe.json names.

    Raises:
        ValueError, KeyError: a file is not one of ours.
    """
    facts, catalog = json.loads(files[RECIPE]), json.loads(files[CATALOG])
    return Origin(version, facts, catalog, decoded_digests(files[layout.MANIFEST]))


def decoded_digests(manifest: bytes) -> dict[str, dict[tuple[str, int], str]]:
    """`<System>/<granularity>` -> digests of the values of its shards, by path and number of trajectories."""
    found: dict[str, dict[tuple[str, int], str]] = defaultdict(dict)
    for row in read_manifest(manifest)[0]:
        found[f"{row.system}/{row.granularity}"][row.path, row.trajectories] = row.decoded_sha256
    return dict(found)


def recipe_text(origin: Origin) -> str:
    return _text(origin.facts)


def catalog_text(origin: Origin) -> str:
    return _text(origin.catalog)


def _text(value: Mapping[str, Any]) -> str:
    # Keys keep their order: it is that of the entries in the store, whose documents are made again from this text to the byte.
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def previous_origin(read: Callable[[str], bytes | None], version: str) -> Origin | None:
    """What the version that `latest` names is made from; None where there is no other, or it is from before versions said so.

    Args:
        read: the bytes at a path below the place that holds the versions, or None.
    """
    latest = (read(LATEST) or b"").decode("utf-8", "replace").strip()
    if not latest or latest == version:
        return None
    facts, catalog = read(f"{latest}/{RECIPE}"), read(f"{latest}/{CATALOG}")
    if facts is None or catalog is None:
        return None
    try:
        manifest = read(f"{latest}/{json.loads(facts)['store']}/{layout.MANIFEST}")
        return None if manifest is None else read_origin(latest, {RECIPE: facts, CATALOG: catalog, layout.MANIFEST: manifest})
    except (ValueError, KeyError, TypeError):
        return None  # a version that is damaged is no reason not to publish a sound one
