"""`attractory verify`: every file of a store against its digest, and on request the damaged ones made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from attractory import layout
from attractory.catalog.record import SystemRecord
from attractory.errors import AttractoryError, DamageError
from attractory.expressions.system import System
from attractory.integrate import integrate_block
from attractory.stages.generate import Job
from attractory.stages.located import LocatedRecipe
from attractory.stages.place import disk_errors
from attractory.stages.plan import store_plan
from attractory.stages.progress import Progress
from attractory.stages.recipe import Recipe
from attractory.stages.task import Produce, produce_block
from attractory.store import Block, Contents, Damage, check, contents, encode_block, locked
from attractory.store.blocks import EncodedBlock
from attractory.store.certificate import complete, waiting
from attractory.store.files import Place, place_of
from attractory.store.finish import sweep
from attractory.store.objects import ObjectPath
from attractory.store.repair import Repair, restore
from attractory.store.state import clear_partial

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
        damages = check(store, progress=(lambda done, files: progress(done, files, "files")) if progress else None)
        held = contents(store)
        if damages and not repair:
            raise DamageError(_report(store, damages))
        if damages:
            _repair(store, held, damages, produce)
        elif repair:
            sweep(store)
    return Verification(store, len(held.files) + 1, tuple(damage.path for damage in damages))


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
