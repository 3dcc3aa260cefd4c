"""`attractory verify`: every file of a store against its digest, and on request the damaged ones made again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from attractory import layout
from attractory.catalog.record import SystemRecord
from attractory.errors import AttractoryError, DamageError
from attractory.expressions.system import System
from attractory.integrate import integrate_block
from attractory.stages.generate import Job
from attractory.stages.located import LocatedRecipe, entries_beside
from attractory.stages.place import disk_errors
from attractory.stages.plan import store_plan
from attractory.stages.progress import Progress
from attractory.stages.recipe import Recipe
from attractory.stages.task import Produce, produce_block
from attractory.store import Block, Contents, Damage, check, contents, encode_block, locked
from attractory.store.blocks import EncodedBlock
from attractory.store.certificate import complete, waiting
from attractory.store.check import LostRootError, inconsistent
from attractory.store.files import Place, partial_folder, place_of, write_whole
from attractory.store.finish import sweep
from attractory.store.objects import ObjectPath
from attractory.store.repair import Repair, hopeless, is_own_manifest, restore
from attractory.store.second_root import SecondRoot, second_root
from attractory.store.state import clear_partial
from attractory.store.template import ROOT, template_files

SHOWN = 100


@dataclass(frozen=True)
class Verification:
    """A store that is sound, now; `repaired` are the files that were made again."""

    store: Place
    files: int
    repaired: tuple[str, ...] = ()


def verify(
    store: str | Path | ObjectPath, *, repair: bool = False, progress: Progress | None = None, produce: Produce = integrate_block
) -> Verification:
    """A sound store.

    Args:
        repair: make damaged files again from the recipe in the store, in place of an error.
    Raises:
        StoreError: the path is not a finished store of this format version.
        DamageError: files are missing, truncated or changed; or could not be made again with equal bytes.
    """
    store = place_of(store)
    with disk_errors(store):
        if repair:
            _end_certifying(store)
        root = _mended_root(store, produce) if repair else None
        damages = check(store, progress=(lambda done, files: progress(done, files, "files")) if progress else None)
        held = contents(store)
        if damages and not repair:
            raise DamageError(_report(store, damages))
        if damages:
            _repair(store, held, damages, produce)
        elif repair:
            sweep(store)
    if root is not None and root.unproven:
        raise _uncertified(store, root.unproven)
    mended = (*(damage.path for damage in damages), *([ROOT] if root is not None else []))
    return Verification(store, len(held.files) + 1, mended)


def stored_job(store: Place, held: Contents, produce: Produce) -> Job:
    """The job that made a store, from what the store says of itself: no catalog is read, so no later edit of one matters.

    Raises:
        DamageError: the root's copy of the recipe or of a system is not one.
    """
    members = held.root["consolidated_metadata"]["metadata"]
    try:
        recipe = Recipe.model_validate(held.root["attributes"][layout.RECIPE])
        records = [SystemRecord.from_mapping(members[name]["attributes"][layout.RECORD]) for name in recipe.systems]
        systems = tuple(System.from_record(record) for record in records)
        plan = store_plan(LocatedRecipe(recipe, Path(str(store / "zarr.json")), {}), systems)
    except (ValidationError, AttractoryError, KeyError, TypeError) as error:
        message = f"{store}: the recipe or a system in the root cannot be read ({error}). Generate the store again, at another place."
        raise DamageError(message) from error
    return Job(store, plan, systems, recipe, produce)


def _mended_root(store: Place, produce: Produce) -> SecondRoot | None:
    """What was put in the place of a damaged or lost root's document; None where that was sound, or what is damaged is the manifest."""
    try:
        held = contents(store)
    except LostRootError as lost:
        held, reason = None, lost
    if held is not None:
        if held.rows and not any(damage.path == ROOT for damage in inconsistent(store, held)):
            return None
        if not held.rows and not is_own_manifest(store, held.root, stored_job(store, held, produce).plan):
            return None
    made = second_root(store, planned=lambda attributes, documents: _planned_documents(store, attributes, documents))
    if made is None:
        if held is None:
            raise hopeless(store) from reason
        return None
    with locked(store):
        clear_partial(store)
        write_whole(store / ROOT, made.content, partial=partial_folder(store))
    return made


def _planned_documents(store: Place, attributes: Mapping[str, Any], documents: Mapping[str, bytes]) -> dict[str, bytes]:
    """The documents of the plan that a root's attributes mean; none where they mean none.

    Systems are read from the store, or else from the catalog, whose entry may have changed: a digest will tell.
    """
    try:
        recipe = Recipe.model_validate(attributes[layout.RECIPE])
        entries = entries_beside(store, recipe.catalog)
        records = [_record(name, documents, entries) for name in recipe.systems]
        systems = tuple(System.from_record(record) for record in records)
        return template_files(store_plan(LocatedRecipe(recipe, Path(str(store / ROOT)), {}), systems))
    except (ValidationError, AttractoryError, KeyError, TypeError):
        return {}


def _record(name: str, documents: Mapping[str, bytes], entries: Mapping[str, SystemRecord]) -> SystemRecord:
    content = documents.get(f"{name}/{ROOT}")
    return entries[name] if content is None else SystemRecord.from_mapping(json.loads(content)["attributes"][layout.RECORD])


def _uncertified(store: Place, paths: Sequence[str]) -> DamageError:
    return DamageError(
        f"{store}: the root's {ROOT} was made again, and all that the recipe makes is sound now. Nothing is left that could prove the "
        f"certificates ({paths[0]} …): make them again with attractory certify {store}"
    )


def _repair(store: Place, held: Contents, damages: Sequence[Damage], produce: Produce) -> None:
    job = stored_job(store, held, produce)

    def encode(block: Block) -> EncodedBlock:
        task = job.task(block)
        return encode_block(task.plan, block, produce_block(task, System.from_record(task.record)))

    try:
        with locked(store):
            clear_partial(store)
            restore(Repair(store, held, job.plan, encode), {damage.path for damage in damages})
    finally:
        sweep(store)


def _end_certifying(store: Place) -> None:
    """Move what a killed `certify` has left half-moved to its places, as the next one would: those files are whole. It certifies none in
    an object store."""
    if isinstance(store, Path) and waiting(store).exists():
        with locked(store):
            complete(store)


def _report(store: Place, damages: Sequence[Damage]) -> str:
    more = [f"  … and {len(damages) - SHOWN} more"] if len(damages) > SHOWN else []
    lines = [
        f"{store}: {len(damages)} damaged file{'s' if len(damages) != 1 else ''}",
        *(f"  {damage}" for damage in damages[:SHOWN]),
        *more,
    ]
    return "\n".join([*lines, f"Make them again, with equal bytes: attractory verify {store} --repair"])
