"""`attractory reproduce`: recipe, catalog and digests are fetched, everything else is made again and compared."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from attractory import layout
from attractory.catalog.record import SystemRecord
from attractory.errors import AttractoryError, DamageError, RequestError
from attractory.expressions.system import System
from attractory.integrate import integrate_block
from attractory.stages.fetch.published import PublishedVersion, open_version
from attractory.stages.generate import Job
from attractory.stages.located import LocatedRecipe
from attractory.stages.place import readable
from attractory.stages.plan import store_plan
from attractory.stages.progress import Progress, silent
from attractory.stages.publish.origin import CATALOG, RECIPE
from attractory.stages.recipe import Recipe
from attractory.stages.reproduce.compare import bound_digests, made_rows, small_digests
from attractory.stages.reproduce.why import WRITERS, other_versions, reasons
from attractory.stages.signals import signals_as_errors
from attractory.store import BlockRow, ShardRow, read_manifest
from attractory.store.files import canonical_json, sha256
from attractory.store.template import ROOT


@dataclass(frozen=True)
class Reproduction:
    """The outcome. `different` is the path of the first file that differs, and `why` what may be the reason; None and empty where all are
    equal. `left_out` says which files were not compared, and why. Bytes: `made` again and compared, `fetched`."""

    version: str
    shards: int
    made_bytes: int
    fetched_bytes: int
    seconds: float
    different: str | None = None
    why: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        return self.different is None

    def document(self) -> dict[str, Any]:
        return {"identical": self.identical, **self.__dict__, "why": list(self.why), "left_out": list(self.left_out)}

    def lines(self) -> list[str]:
        compared = f"  version {self.version}: {self.shards} shards made again and compared, {self.seconds:.1f} s"
        notes = [f"  not compared: {note}" for note in self.left_out]
        if self.identical:
            return [f"identical: {readable(self.made_bytes)} from {readable(self.fetched_bytes)}", compared, *notes]
        return [f"different: {self.different}", *(f"  {reason}" for reason in self.why), compared, *notes]


@dataclass(frozen=True)
class _Published:
    """What was fetched: the version, what it says of itself, and the digests of its store's files by path below the store."""

    version: PublishedVersion
    facts: Mapping[str, Any]
    catalog: Mapping[str, Any]
    digests: Mapping[str, str]
    fetched: int

    @property
    def versions(self) -> Mapping[str, str]:
        known: Mapping[str, str] = self.facts[layout.VERSIONS]
        return known

    @cached_property
    def decoded(self) -> Mapping[str, str]:
        """Path of each shard -> the digest of its values. For this the manifest is fetched; empty where it cannot be read."""
        try:
            rows, _ = read_manifest(self.version.read(f"{self.facts['store']}/{layout.MANIFEST}"))
        except (AttractoryError, ValueError):
            return {}
        return {row.path: row.decoded_sha256 for row in rows}


def reproduce(url: str, *, workers: int = 1, progress: Progress | None = None) -> Reproduction:
    """A published dataset made again from its recipe and catalog, compared with its digests; the first difference ends it.

    Args:
        url: a published folder (its latest version), or a version; a path or an fsspec URL.
        workers: processes.
    Raises:
        RequestError: there is no published version there, or it is a part of another.
        DamageError: recipe or catalog are not the ones that SHA256SUMS names, or cannot be read.
    """
    started = time.perf_counter()
    published = _fetched(url)
    job = _job(published)
    rows: list[BlockRow] = []
    size = 0
    with signals_as_errors():
        for row in made_rows(job, workers=workers):
            rows.append(row)
            size += sum(shard.bytes for shard in row.shards)
            (progress or silent)(len(rows), job.plan.tasks, row.block.key)
            found = _different_shard(published, row)
            if found is not None:
                return replace(found, made_bytes=size, seconds=time.perf_counter() - started, shards=sum(len(one.shards) for one in rows))
    outcome = _different_small(published, job, rows)
    shards = sum(len(row.shards) for row in rows)
    return replace(outcome, made_bytes=size, shards=shards, seconds=time.perf_counter() - started)


def _fetched(url: str) -> _Published:
    version = open_version(url)
    texts = {path: version.read(path) for path in (RECIPE, CATALOG)}
    try:
        facts, catalog = (json.loads(texts[path]) for path in (RECIPE, CATALOG))
        store = f"{facts['store']}/"
        if sha256(canonical_json(facts[layout.RECIPE])) != facts[layout.RECIPE_DIGEST]:
            message = f"{version.place / RECIPE}: the recipe does not have its digest."
            raise DamageError(message)
        digests = {path.removeprefix(store): digest for path, digest in version.sums.items() if path.startswith(store)}
    except (ValueError, KeyError, TypeError) as error:
        message = f"{version.place}: {RECIPE} or {CATALOG} cannot be read: {error}"
        raise DamageError(message) from error
    if layout.PARENT in facts:
        parent = facts[layout.PARENT]
        message = f"{version.place}: is a part of {parent['dataset']}, version {parent['version']}. Reproduce that one."
        raise RequestError(message)
    return _Published(version, facts, catalog, digests, version.sums_bytes + sum(map(len, texts.values())))


def _job(published: _Published) -> Job:
    """The work that made the store, as the published recipe and catalog say it; no catalog of this machine is read."""
    place = published.version.place
    try:
        recipe = Recipe.model_validate(published.facts[layout.RECIPE])
        systems = tuple(System.from_record(SystemRecord.from_mapping(published.catalog[name])) for name in recipe.systems)
        plan = store_plan(LocatedRecipe(recipe, Path(str(place / RECIPE)), {}), systems)
    except (ValidationError, AttractoryError, KeyError, TypeError) as error:
        message = f"{place}: this Attractory cannot read the recipe or the catalog: {error}"
        raise DamageError(message) from error
    plan = replace(plan, attributes={**plan.attributes, layout.VERSIONS: dict(published.versions)})
    return Job(Path(published.facts["store"]), plan, systems, recipe, integrate_block)


def _different_shard(published: _Published, row: BlockRow) -> Reproduction | None:
    """The outcome where a shard of a block differs in its values, or for a reason that the versions do not tell."""
    for shard in row.shards:
        if published.digests.get(shard.path) == shard.sha256:
            continue
        equal = _has_equal_values(published, shard)
        if not (equal and "numcodecs" in other_versions(published.versions)):
            return _outcome(published, different=shard.path, why=tuple(reasons(published.versions, values_equal=equal)))
    return None


def _has_equal_values(published: _Published, shard: ShardRow) -> bool:
    """Whether the published shard holds the same values."""
    return published.decoded.get(shard.path) == shard.decoded_sha256


def _different_small(published: _Published, job: Job, rows: list[BlockRow]) -> Reproduction:
    """The outcome where all shards agree: the small files, the manifest and the root's document."""
    small = small_digests(job, rows)
    repacked = any(published.digests.get(shard.path) != shard.sha256 for row in rows for shard in row.shards)
    writers = [name for name in WRITERS if name in other_versions(published.versions)]
    certified = sorted(path for path in published.digests if path.split("/")[1:2] and path.split("/")[1] in layout.CERTIFICATE_ARRAYS)
    bound = {} if writers or certified else bound_digests(job, rows, small)
    notes = []
    if repacked:
        small = {path: digest for path, digest in small.items() if f"/{layout.DIGEST}/" not in path}
        notes.append("how shards are packed, which another numcodecs does otherwise; their values are equal")
    if certified:
        notes.append(f"{len(certified)} files of certificates, which are no part of the recipe, the manifest and the root's document")
    elif writers:
        notes.append(f"the manifest and the root's document, which name the versions of {' and '.join(writers)}")
    for path, digest in {**small, **bound}.items():
        if published.digests.get(path) != digest:
            why = tuple(reasons(published.versions, values_equal=False))
            return _outcome(published, different=path, why=why, left_out=tuple(notes))
    known = {*small, *(shard.path for row in rows for shard in row.shards), layout.MANIFEST, ROOT, *certified}
    extra = sorted(path for path in published.digests.keys() - known if not (repacked and f"/{layout.DIGEST}/" in path))
    if extra:
        return _outcome(published, different=extra[0], why=("the recipe makes no such file",), left_out=tuple(notes))
    return _outcome(published, left_out=tuple(notes))


def _outcome(
    published: _Published, *, different: str | None = None, why: tuple[str, ...] = (), left_out: tuple[str, ...] = ()
) -> Reproduction:
    return Reproduction(published.version.version, 0, 0, published.fetched, 0.0, different, why, left_out)
