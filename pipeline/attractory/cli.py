"""The command line. Each command reads its arguments, calls one stage and returns an Answer; `console.py` prints it.

Nothing heavy is imported above the commands, so that `attractory --help` is quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from dataclasses import replace as record_with
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from attractory.errors import RequestError

if TYPE_CHECKING:
    from attractory.expressions import System
    from attractory.stages.build import Built
    from attractory.stages.cluster import Workers
    from attractory.stages.progress import Progress

app = typer.Typer(
    name="attractory",
    help="Datasets of dynamical systems: from a YAML catalog to batches in a training loop.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@dataclass(frozen=True)
class Answer:
    """What a command has to say: `document` for --json; `page` for a person, as lines and rich's tables."""

    document: Any
    page: Sequence[Any]
    exit_code: int = 0


def answer(arguments: list[str]) -> Answer | int:
    """The answer of one command line, or the exit code where the command has printed by itself (help, version).

    Raises:
        RequestError: there is no such command or option, or an argument is missing.
        KeyboardInterrupt: a signal came.
        Whatever the command raises.
    """
    try:
        result = app(arguments or ["--help"], prog_name="attractory", standalone_mode=False)
    except TyperException as usage:
        message = f"{usage.format_message()} (`attractory --help` lists the commands, `attractory COMMAND --help` their options.)"
        raise RequestError(message) from usage
    if result == INTERRUPTED:
        raise KeyboardInterrupt
    return result if isinstance(result, Answer) else int(result or 0)


INTERRUPTED = 130  # what typer makes of KeyboardInterrupt

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output, everything else on standard error.")]
Recipe = Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe.yaml, or the folder that holds it.")]
Store = Annotated[str, typer.Argument(metavar="STORE", help="A finished store: DATASET.zarr, or its URL.")]
Published = Annotated[str, typer.Argument(metavar="URL", help="A published folder or a version of it: a path or a URL.")]
Out = Annotated[
    str | None, typer.Option("--out", metavar="STORE", help="The store to write, a path or an s3:// URL; default: beside the recipe.")
]
WorkerCount = Annotated[int | None, typer.Option("--workers", min=1, metavar="N", help="Worker processes; default: one per core.")]
ClusterFile = Annotated[
    Path | None, typer.Option("--cluster", metavar="FILE", help="Where to run: a cluster's YAML, or a Dask scheduler file.")
]
WaitWorkers = Annotated[
    float | None,
    typer.Option(
        "--wait-workers", min=1, metavar="SECONDS", help="How long to go on without any worker; default: 120, or wait_hours of FILE."
    ),
]
ArrayPart = Annotated[str | None, typer.Option("--array", metavar="K/N", help="Slice K of N of the blocks, in this process: a job array.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how much it makes and what that costs; writes nothing.")]
Performance = Annotated[Path | None, typer.Option("--performance", metavar="FILE", help="Dask's report of the run, an HTML page.")]
MoreSystems = Annotated[Path | None, typer.Option("--catalog", metavar="DIR", help="More systems: a folder of YAML files of your own.")]
Replace = Annotated[bool, typer.Option("--replace", help="Delete a store of another recipe or catalog that is in the way.")]
ReportFolder = Annotated[str | None, typer.Option("--report", metavar="DIR", help="Folder of the report; default: report, beside STORE.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        import attractory

        typer.echo(f"attractory {attractory.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")] = False,
) -> None:
    """What stands before a command; `console.py` acts on --debug."""


@app.command()
def systems(  # noqa: PLR0913  # each option is an argument
    kind: Annotated[
        list[str] | None, typer.Option("--kind", metavar="KIND", help="flow, map, delay, stochastic, field or network.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag; given twice, either of them.")] = None,
    dimension: Annotated[str | None, typer.Option("--dimension", metavar="N", help="How many variables: N, N+ or N-M.")] = None,
    behaviour: Annotated[list[str] | None, typer.Option("--behaviour", metavar="WORD", help="chaotic, hyperchaotic, periodic, …")] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="CONDITION", help="As in 'lyapunov_exponent > 0.5 and dimension == 3'.")
    ] = None,
    catalog: MoreSystems = None,
    json: Json = False,
) -> Answer:
    """List the systems of the catalog that fit every option."""
    from rich.table import Table

    import attractory
    from attractory.stages.show import columns, line

    asked: dict[str, Any] = {"kind": kind or None, "tag": tag or None, "dimension": dimension, "behaviour": behaviour or None}
    found = attractory.systems(**asked, where=where, catalog=catalog)
    table = Table("name", "kind", "dimension", "behaviour", "period", "leading exponent", "tags")
    for system in found:
        table.add_row(*columns(system))
    return Answer([line(system) for system in found], [table, _counted(len(found), "system")])


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A system of the catalog, or the path of a YAML file.")],
    variant: Annotated[str | None, typer.Option("--variant", metavar="V", help="One of its variants.")] = None,
    target: Annotated[str | None, typer.Option("--as", metavar="FORM", help="Its equations as sympy, latex, scipy, julia or yaml.")] = None,
    picture: Annotated[
        bool | None, typer.Option("--picture/--no-picture", help="A picture of its trajectory; default: on a terminal.")
    ] = None,
    catalog: MoreSystems = None,
    json: Json = False,
) -> Answer:
    """Show one system: equations, parameters, what is known."""
    import attractory
    from attractory.stages.show import document, page

    system = attractory.system(name, variant=variant, catalog=catalog)
    if target is not None:
        text = system.as_text(target)
        return Answer({"name": system.name, "as": target, "text": text}, [text.rstrip("\n")])
    if json:
        return Answer(document(system), [])
    shown = sys.stdout.isatty() if picture is None else picture
    return Answer(document(system), page(system, variant=variant, picture=_picture(system) if shown else ()))


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the system: letters, digits and underscores; unique ignoring case.")],
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="flow, map or delay.")],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where to write it; made where it is missing.")] = Path(),
    json: Json = False,
) -> Answer:
    """Write a small entry that works, to be replaced key by key."""
    from attractory.catalog import new_entry

    path = new_entry(name, kind=kind, folder=to)
    steps = [f"1. Replace it by your system, key by key: {path}", f"2. attractory check {path}", f"3. attractory annotate {path}"]
    return Answer({"path": str(path)}, [f"{path}: a small {kind} that works. Next:", *steps, f"4. attractory show {path}"])


@app.command()
def check(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]…", help="Files or folders; default: the packaged catalog.")] = None,
    workers: WorkerCount = None,
    json: Json = False,
) -> Answer:
    """Check that catalog entries parse, and that systems do what they say."""
    from attractory.stages.check import check as run

    count = workers or len(os.sched_getaffinity(0))
    with _progress("check") as progress:
        found = run(paths or None, workers=count, progress=progress)
    return Answer(found.document(), found.page(), exit_code=1 if found.failures else 0)


@app.command()
def generate(  # noqa: PLR0913  # each option is an argument
    recipe: Recipe,
    out: Out = None,
    workers: WorkerCount = None,
    cluster: ClusterFile = None,
    wait_workers: WaitWorkers = None,
    array: ArrayPart = None,
    dry_run: DryRun = False,
    replace: Replace = False,
    catalog: MoreSystems = None,
    performance: Performance = None,
    json: Json = False,
) -> Answer:
    """Make the store of a recipe; always resumes."""
    from attractory.stages.generate import generate as run
    from attractory.stages.located import read_recipe

    if dry_run:
        return _estimate(recipe, out=out, catalog=catalog)
    if array is not None:
        alone = {
            "--workers": workers,
            "--cluster": cluster,
            "--wait-workers": wait_workers,
            "--performance": performance,
            "--replace": replace or None,
        }
        return _slice(recipe, array, out=out, catalog=catalog, others=[name for name, value in alone.items() if value is not None])
    with _progress("generate") as progress:
        where = _workers(workers, cluster, wait_workers)  # first of all: it parts the ranks of an MPI run, one of which goes on
        where = record_with(where, performance=performance, announce=_announce)
        located = read_recipe(recipe, catalog=catalog)
        made = run(located, out=out, workers=where, replace_other=replace, progress=progress)
    return Answer(made.document(), made.lines(), exit_code=1 if made.failed else 0)


def _estimate(recipe: Path, *, out: str | None, catalog: Path | None) -> Answer:
    from attractory.stages.estimate import estimate
    from attractory.stages.located import read_recipe

    with _progress("dry run") as progress:
        found = estimate(read_recipe(recipe, catalog=catalog), out=out, progress=progress)
    return Answer(found.document(), found.lines(), exit_code=2 if found.refusal else 0)


def _slice(recipe: Path, array: str, *, out: str | None, catalog: Path | None, others: Sequence[str]) -> Answer:
    from attractory.stages.located import read_recipe
    from attractory.stages.slices import generate_slice, read_slice

    if others:
        message = f"--array makes its slice in this process, beside other slices of the same store: leave out {', '.join(others)}."
        raise RequestError(message)
    part = read_slice(array)
    with _progress(f"slice {part}") as progress:
        made = generate_slice(read_recipe(recipe, catalog=catalog), part, out=out, progress=progress)
    return Answer(made.document(), made.lines(), exit_code=1 if made.failed else 0)


def _announce(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


@app.command()
def validate(  # noqa: PLR0913  # each option is an argument
    store: Store,
    report: ReportFolder = None,
    trajectories: Annotated[
        str | None, typer.Option("--trajectories", metavar="N|all", help="How many of each system; default: as each check has it.")
    ] = None,
    checks: Annotated[
        list[Path] | None, typer.Option("--checks", metavar="FILE", help="Python with RULES of your own; it is run. May be repeated.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option("--recipe", metavar="RECIPE", help="Whose `validation` counts; default: recipe.yaml beside STORE.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, metavar="N", help="Worker processes; default: none, in this one.")
    ] = None,
    cluster: ClusterFile = None,
    wait_workers: WaitWorkers = None,
    json: Json = False,
) -> Answer:
    """Prove what a store holds; writes a report of it."""
    import json as text

    from attractory.stages.report.terminal import screen
    from attractory.stages.validate import Asked
    from attractory.stages.validate import validate as run
    from attractory.stages.validate.run import report_folder
    from attractory.store.files import place_of

    with _progress("validate") as progress:
        where = None if workers is None and cluster is None else _workers(workers, cluster, wait_workers)
        asked = Asked(_how_many(trajectories), tuple(checks or ()), recipe, where)
        found = run(store, report=report, asked=asked, progress=progress)
    folder = report or report_folder(place_of(store))
    return Answer(text.loads(found.as_json()), screen(found, folder=str(folder)), exit_code=found.exit_code)


def _how_many(trajectories: str | None) -> Any:
    """A count above 0, "all", or None.

    Raises: RequestError for anything else.
    """
    if trajectories is None or trajectories == "all":
        return trajectories
    if trajectories.isascii() and trajectories.isdigit() and int(trajectories):
        return int(trajectories)
    message = f"--trajectories: found {trajectories!r}, expected a whole number above 0, or all"
    raise RequestError(message)


@app.command()
def certify(
    store: Store,
    trajectories: Annotated[
        int, typer.Option("--trajectories", min=1, metavar="N", help="How many of each system, drawn by the seed.")
    ] = 16,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="Which ones; a larger N of one seed holds the smaller.")] = 0,
    workers: Annotated[int | None, typer.Option("--workers", min=1, metavar="N", help="Threads; default: one per core.")] = None,
    json: Json = False,
) -> Answer:
    """Find until when trajectories are the true solution."""
    from attractory.stages.certify import certify as run

    threads = workers or len(os.sched_getaffinity(0))
    with _progress("certify") as progress:
        found = run(store, trajectories=None if every else trajectories, seed=seed, workers=threads, progress=progress)
    return Answer(found.document(), found.page(), exit_code=1 if found.failed else 0)


@app.command()
def verify(
    store: Store,
    repair: Annotated[bool, typer.Option("--repair", help="Make damaged files again, from the recipe that the store holds.")] = False,
    json: Json = False,
) -> Answer:
    """Compare every file of a store with its digest."""
    from attractory.stages.verify import verify as run

    with _progress("verify") as progress:
        sound = run(store, repair=repair, progress=progress)
    mended = f", {len(sound.repaired)} of them made again: {', '.join(sound.repaired)}" if sound.repaired else ""
    document = {"store": str(sound.store), "files": sound.files, "repaired": list(sound.repaired)}
    return Answer(document, [f"{sound.store}: {sound.files} files are what their digests say{mended}"])


@app.command()
def publish(  # each option is an argument
    store: Store,
    to: Annotated[str, typer.Option("--to", metavar="URL", help="A folder, any URL that fsspec writes to, or hf://datasets/OWNER/NAME.")],
    form: Annotated[
        list[str] | None, typer.Option("--format", metavar="FORM", help="Beside store and tables: well (HDF5), dysts (JSON).")
    ] = None,
    unvalidated: Annotated[
        bool, typer.Option("--unvalidated", help="Also what was not validated, or failed a check; the card says so.")
    ] = False,
    dry_run: Annotated[
        Path | None, typer.Option("--dry-run", metavar="DIR", help="Of hf://: write what would be uploaded, and the commits, to a folder.")
    ] = None,
    json: Json = False,
) -> Answer:
    """Publish a store as a versioned folder."""
    from attractory.stages.publish import Asked
    from attractory.stages.publish import publish as run

    asked = Asked(tuple(form or ()), unvalidated, dry_run)
    with _progress("publish") as progress:
        published = run(store, to=to, asked=asked, progress=progress)
    return Answer(asdict(published), [_published(published)])


@app.command()
def fetch(  # noqa: PLR0913  # each option is an argument
    url: Published,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder for the store.")],
    systems: Annotated[
        list[str] | None, typer.Option("--systems", metavar="NAMES", help="With commas, or given again; default: all.")
    ] = None,
    granularity: Annotated[
        list[str] | None, typer.Option("--granularity", metavar="NAMES", help="With commas, or given again; default: all.")
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option("--split", metavar="NAMES", help="train, validation, test; with commas, or given again; default: all."),
    ] = None,
    starter: Annotated[bool, typer.Option("--starter", help="Of the cut of less than 100 MB that every version has.")] = False,
    json: Json = False,
) -> Answer:
    """Fetch a part of a published dataset; always resumes."""
    from attractory.stages.cut import Wish
    from attractory.stages.fetch import fetch as run

    wish = Wish(_names(systems), _names(granularity), _names(split))
    with _progress("fetch") as progress:
        fetched = run(url, to=to, wish=wish, starter=starter, announce=_announce, progress=progress)
    return Answer(fetched.document(), fetched.lines())


@app.command()
def reproduce(url: Published, workers: WorkerCount = None, json: Json = False) -> Answer:
    """Make a published dataset again from its recipe, and compare."""
    from attractory.stages.reproduce import reproduce as run

    with _progress("reproduce") as progress:
        found = run(url, workers=workers or len(os.sched_getaffinity(0)), progress=progress)
    return Answer(found.document(), found.lines(), exit_code=0 if found.identical else 1)


def _names(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """Names that were given one by one, or with commas between them."""
    return tuple(name.strip() for text in given for name in text.split(",") if name.strip()) if given else None


@app.command()
def gallery(  # noqa: PLR0913
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write: new, empty, or of an earlier run.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", help="Systems of the catalog; default: all.")] = None,
    workers: WorkerCount = None,
    cluster: ClusterFile = None,
    wait_workers: WaitWorkers = None,
    catalog: MoreSystems = None,
    json: Json = False,
) -> Answer:
    """Write a static site of the catalog: a page a system."""
    from attractory.stages.gallery import gallery as run

    with _progress("gallery") as progress:
        made = run(names or (), to=to, folder=catalog, workers=_workers(workers, cluster, wait_workers), progress=progress)
    return Answer(made.document(), made.lines())


@app.command()
def build(  # noqa: PLR0913
    recipe: Recipe,
    out: Out = None,
    workers: WorkerCount = None,
    cluster: ClusterFile = None,
    wait_workers: WaitWorkers = None,
    to: Annotated[str | None, typer.Option("--to", metavar="URL", help="Where to publish; default: published/ beside the recipe.")] = None,
    catalog: MoreSystems = None,
    json: Json = False,
) -> Answer:
    """Generate, validate and publish a recipe."""
    from attractory.stages.build import build as run
    from attractory.stages.located import read_recipe
    from attractory.stages.report.terminal import screen
    from attractory.stages.validate.run import report_folder
    from attractory.store.files import place_of

    with _progress("build") as progress:
        where = _workers(workers, cluster, wait_workers)  # first of all: it parts the ranks of an MPI run, one of which goes on
        built = run(read_recipe(recipe, catalog=catalog), out=out, workers=where, to=to, progress=progress)
    end = [_published(built.published)] if built.published else ["Not published: the report above says why."]
    folder = report_folder(place_of(built.generated.store))
    page = [*built.generated.lines(), *screen(built.report, folder=str(folder)), *end]
    return Answer(built.document(), page, exit_code=_built(built))


def _built(built: Built) -> int:
    """What the report says; 1 where trajectories were lost."""
    return built.report.exit_code or (1 if built.generated.failed or not built.published else 0)


@app.command()
def annotate(  # noqa: PLR0913  # each option is an argument
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Systems of the catalog, or all; or paths of YAML files.")],
    check: Annotated[
        bool, typer.Option("--check", help="Compute anew with another seed, and fail where a number differs by over four errors.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Compute anew what is current too.")] = False,
    seed: Annotated[int | None, typer.Option("--seed", min=0, metavar="N", help="Default: 0; with --check, another than before.")] = None,
    core_seconds: Annotated[
        float | None, typer.Option("--core-seconds", metavar="S", help="Work that a spectrum may take, counted; default: 120.")
    ] = None,
    workers: WorkerCount = None,
    cluster: ClusterFile = None,
    wait_workers: WaitWorkers = None,
    catalog: Annotated[Path | None, typer.Option("--catalog", metavar="DIR", help="Your own folder, in place of the catalog.")] = None,
    json: Json = False,
) -> Answer:
    """Compute invariants and write them into the catalog; always resumes."""
    from attractory.stages.annotate import CORE_SECONDS, Work, check_annotations
    from attractory.stages.annotate import annotate as run

    where, most = _workers(workers, cluster, wait_workers), CORE_SECONDS if core_seconds is None else core_seconds
    if check and again:
        raise RequestError("--check and --again: a check writes nothing, so there is nothing to write again. Give one of them.")
    with _progress("annotate") as progress:
        if check:
            seen = check_annotations(names, folder=catalog, seed=seed, core_seconds=most, workers=where, progress=progress)
            return Answer(seen.document(), seen.lines(), exit_code=1 if seen.failures else 0)
        made = run(names, folder=catalog, work=Work(seed or 0, core_seconds=most), again=again, workers=where, progress=progress)
    return Answer(made.document(), made.lines(), exit_code=1 if made.failures else 0)


@app.command()
def info(store: Store, json: Json = False) -> Answer:
    """Describe a store on one screen."""
    from attractory.stages.info import info as run

    found = run(store)
    return Answer(found, list(_tree(found)))


@app.command()
def lock(recipe: Recipe, catalog: MoreSystems = None, json: Json = False) -> Answer:
    """Write recipe.lock: all of a recipe that decides a byte."""
    from attractory.stages.located import read_recipe
    from attractory.stages.lock import lock as run

    path = run(read_recipe(recipe, catalog=catalog))
    return Answer({"lock": str(path)}, [str(path)])


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete all of them, and say what this freed.")] = False,
    json: Json = False,
) -> Answer:
    """Show the compiled kernels kept on the disk, or clear them."""
    from rich.table import Table

    from attractory.stages.cache import cache as run

    found = run(clear=clear)
    table = Table("system", "kernels", "KiB")
    for name, kernels, size in found.systems():
        table.add_row(name, str(kernels), f"{size / 2**10:.0f}")
    return Answer(found.document(), [*found.lines(), *([table] if found.entries else [])])


@contextmanager
def _progress(title: str) -> Iterator[Progress]:
    from attractory.stages.progress import shown_progress

    with shown_progress(sys.stderr, title=title) as progress:
        yield progress


def _workers(count: int | None, cluster: Path | None, wait: float | None) -> Workers:
    from attractory.stages.cluster import Workers, workers_of

    if count is not None and cluster is not None:
        raise RequestError("--workers and --cluster both say where to run: give one of them.")
    where = workers_of(cluster) if cluster is not None else Workers(count or len(os.sched_getaffinity(0)))
    return record_with(where, wait_seconds=wait, tell=_announce)


def _picture(system: System) -> list[str]:
    from attractory.stages.picture import picture

    return picture(system)


def _published(published: Any) -> str:
    state = "was there already" if published.unchanged else f"{published.files} files, {published.bytes / 1e6:.1f} MB"
    return f"{published.url}: version {published.version}, {state}"


def _tree(value: Any, indent: str = "") -> Iterator[str]:
    """A nested document as indented lines."""
    for key, item in value.items() if isinstance(value, dict) else ((str(place), item) for place, item in enumerate(value)):
        if isinstance(item, dict) and item:
            yield f"{indent}{key}:"
            yield from _tree(item, indent + "  ")
        else:
            yield f"{indent}{key}: {', '.join(map(str, item)) if isinstance(item, list) else item}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
