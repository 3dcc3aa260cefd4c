"""`README.md` of a published dataset: what it is, how it was made, how it was checked, and how to use and cite it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attractory import layout
from attractory.stages.publish.accuracy import HEADER, TEXT, accuracy
from attractory.stages.publish.citation import author_names
from attractory.stages.publish.datasheet import Answers, datasheet
from attractory.stages.publish.reach import reach_sentences
from attractory.stages.publish.tables import SYSTEMS, split_rows, table_files
from attractory.stages.validate.report import Check
from attractory.stages.validate.sections import spacing_text
from attractory.stages.validate.stored import StoredDataset, StoredGranularity, StoredSystem


@dataclass(frozen=True)
class Evidence:
    """What validation said of exactly this store: the checks and the text of the report; empty and None where it was not validated."""

    checks: tuple[Check, ...]
    report: str | None = None

    @property
    def sentence(self) -> str:
        if not self.checks:
            return "This version was published without validation."
        failed = sum(check.failed for check in self.checks)
        passed = sum(check.passed for check in self.checks)
        undecided = len(self.checks) - passed - failed
        verdict = "all passed" if passed == len(self.checks) else f"{passed} passed"
        verdict += f", {undecided} had not enough data to judge by" if undecided else ""
        verdict += f", {failed} failed: it was published nevertheless" if failed else ""
        return f"{len(self.checks)} checks were run on the files of this version, and {verdict}; each is listed in `report.json`."


def dataset_card(
    dataset: StoredDataset, *, version: str, evidence: Evidence, about: tuple[int, Answers, str | None, Collection[str]]
) -> str:
    """The card: front matter for hubs, then Markdown.

    Args:
        about: bytes of the store; the answers of its datasheet; the path of its starter, if there is one; the paths of all files.
    """
    size, said, starter, files = about
    sections = [
        _front_matter(dataset),
        f"# {dataset.name}",
        describe(dataset),
        f"Version `{version}`, {_bytes(size)}, made by Attractory.",
        _contents(dataset, version=version, starter=starter, files=files),
        _systems(dataset.systems),
        _making(dataset),
        _validation(evidence),
        *([f"## How far the trajectories are true\n\n{TEXT}\n\n{_table(HEADER, accurate)}"] if (accurate := accuracy(dataset)) else []),
        _use(dataset, starter=starter),
        _datasheet(dataset, said),
        _licence(dataset, version=version),
        "## Pictures\n\n" + "\n\n".join(f"![{stored.name}](pictures/{stored.name}.png)" for stored in dataset.systems),
    ]
    return "\n\n".join(sections) + "\n"


def describe(dataset: StoredDataset) -> str:
    """One paragraph: the recipe's own words, or the numbers where it has none."""
    trajectories = sum(stored.trajectories for stored in dataset.systems)
    numbers = f"{trajectories} trajectories of {len(dataset.systems)} dynamical systems, integrated from their equations."
    own = str(dataset.recipe.get("description") or "").strip()
    return f"{own.rstrip('.')}. {numbers}" if own else numbers


def _front_matter(dataset: StoredDataset) -> str:
    """YAML that dataset hubs read; every value is written as JSON, which is YAML too."""
    samples = sum(stored.trajectories * grid.samples for stored in dataset.systems for grid in stored.granularities)
    lines = [
        "---",
        f"pretty_name: {_json(dataset.name)}",
        f"license: {_json(str(dataset.attributes[layout.LICENCE]).lower())}",
        "task_categories: [time-series-forecasting]",
        "tags: [dynamical-systems, chaos, time-series, physics, attractory]",
        f"size_categories: [{_json(_size_category(samples))}]",
        "configs:",
        "  - config_name: systems",
        f"    data_files: {_json(SYSTEMS)}",
    ]
    for stored in dataset.systems:
        for granularity in stored.granularities:
            lines += [f"  - config_name: {_json(f'{stored.name}-{granularity.name}')}", "    data_files:"]
            files: dict[str, list[str]] = {}
            for table in table_files(stored, granularity):
                files.setdefault(table.split, []).append(table.path)
            for split, paths in files.items():
                lines.append(f"      - {{split: {split}, path: {_json(paths[0] if len(paths) == 1 else paths)}}}")
    return "\n".join([*lines, "---"])


def _size_category(samples: int) -> str:
    """The hub's classes of size, by number of samples."""
    labels = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B", "10B<n<100B", "100B<n<1T")
    return next((label for power, label in enumerate(labels, start=3) if samples < 10**power), "n>1T")


def _contents(dataset: StoredDataset, *, version: str, starter: str | None, files: Collection[str]) -> str:
    rows = [
        (f"`{dataset.path.name}/`", "the zarr store: every trajectory, its parameters, split and status, the entries of the systems"),
        ("`parquet/`", "the same as tables, a row a trajectory, by system, granularity and split; `systems.parquet` has a row a system"),
        *_forms(files),
        *([(f"`{starter}/`", "a cut of less than 100 MB, a store of its own: some trajectories of each split")] if starter else []),
        ("`recipe.json`, `catalog.json`", "what the dataset is made from; `attractory reproduce` makes it again from them, and compares"),
        *([("`CHANGES.md`", "what is different from the version before, and why")] if "CHANGES.md" in files else []),
        ("`croissant.json`", "metadata in MLCommons Croissant, with its Responsible-AI fields"),
        ("`datacite.json`, `ro-crate-metadata.json`", "metadata for libraries: DataCite 4.5 and RO-Crate 1.1"),
        ("`CITATION.cff`", "how to cite the dataset and the systems in it"),
        ("`SHA256SUMS`", f"digests of all files: `cd {version} && sha256sum --quiet -c SHA256SUMS`"),
    ]
    return "## What is here\n\n" + _table(("path", "content"), rows)


def _forms(files: Collection[str]) -> Iterator[tuple[str, str]]:
    if any(path.startswith("the_well/") for path in files):
        yield (
            "`the_well/`",
            "the same in the HDF5 layout of The Well, for its `WellDataset`; trajectories that ended early are left out",
        )
    if any(path.startswith("dysts/") for path in files):
        yield "`dysts/`", "of each system the first trajectory of each split, in the JSON layout of dysts"


def _systems(systems: Sequence[StoredSystem]) -> str:
    header = ("system", "kind", "variables", "behaviour", "leading exponent", "trajectories", "samples", "source")
    rows = [
        (
            stored.name,
            stored.record.kind,
            str(stored.system.dimension),
            stored.record.behaviour.replace("_", " "),
            _exponent(stored),
            ", ".join(f"{len(rows)} {split}" for split, rows in split_rows(stored)),
            ", ".join(f"{grid.name}: {_sampling(grid)}" for grid in stored.granularities),
            _source(stored),
        )
        for stored in systems
    ]
    text = "Samples are given as number x step, in the system's own time units (maps: iterates)."
    grids = [grid for stored in systems for grid in stored.granularities]
    if any(grid.drawn is not None for grid in grids):
        text += " Where times are Poisson's, moved or left out, each trajectory has its own, in the array `time` (trajectory, time)."
    if any(grid.is_section for grid in grids):
        text += " Crossings of a section have a time each, in the array `time` (trajectory, time) beside `state`."
    return f"## Systems\n\n{_table(header, rows)}\n\n{text}"


def _sampling(grid: StoredGranularity) -> str:
    if grid.drawn is not None:
        return f"{grid.samples}, {spacing_text(grid)}"
    return f"{grid.samples} crossings, {spacing_text(grid).removeprefix('at ')}" if grid.is_section else f"{grid.samples} x {grid.dt:.6g}"


def _exponent(stored: StoredSystem) -> str:
    annotated = stored.record.invariants.get("lyapunov_spectrum")
    if annotated is None:
        return "not stated"
    value, error = (values[0] if isinstance(values, tuple) else values for values in (annotated.value, annotated.standard_error))
    return f"{value:.4g}" + (f" ± {error:.1g}" if isinstance(error, float | int) else "")


def _source(stored: StoredSystem) -> str:
    reference = stored.record.reference
    if reference is None:
        return "not stated"
    text = f"{reference.authors} ({reference.year}): {reference.title}"
    return f"{text}, doi:{reference.doi}" if reference.doi else text


def _making(dataset: StoredDataset) -> str:
    recipe = json.dumps(dataset.recipe, indent=1, ensure_ascii=False)
    return (
        "## How it was made\n\n"
        "Each trajectory starts near the state that the catalog gives, runs through a transient that is thrown away, and is then sampled "
        "at every granularity in one integration. Splits hold different trajectories. Random numbers depend on the seed, the system's "
        "name and the trajectory's index alone, so the recipe below gives the same bytes again:\n\n"
        f"{reach_sentences(dataset)}"
        f"```json\n{recipe}\n```"
    )


def _validation(evidence: Evidence) -> str:
    groups: dict[str, list[Check]] = {}
    for check in evidence.checks:
        groups.setdefault(check.group, []).append(check)
    rows = [(group, str(len(checks)), str(sum(check.failed for check in checks))) for group, checks in groups.items()]
    table = f"\n\n{_table(('group', 'checks', 'failed'), rows)}" if rows else ""
    return f"## How it was checked\n\n{evidence.sentence}{table}"


def _datasheet(dataset: StoredDataset, said: Answers) -> str:
    questions = datasheet(dataset, said, licence=dataset.attributes[layout.LICENCE])
    return "## Datasheet\n\n" + "\n\n".join(f"**{question}** {answer}" for question, answer in questions)


def _use(dataset: StoredDataset, *, starter: str | None) -> str:
    granularity = dataset.systems[0].granularities[0].name
    return (
        "## How to use it\n\n"
        "```python\nimport attractory\n\n"
        f'dataset = attractory.open("{dataset.path.name}")\n'
        f'windows = dataset.windows(granularity="{granularity}", split="train", context=64, horizon=16, batch_size=32, seed=0, epoch=0)\n'
        "for batch in windows:\n    batch.context, batch.horizon, batch.mask\n```\n\n"
        f'Without it: `xarray.open_datatree("{dataset.path.name}", engine="zarr")`, or the tables in `parquet/`, for which '
        f'`datasets.load_dataset(FOLDER, "{dataset.systems[0].name}-{granularity}")` needs nothing of Attractory.\n\n'
        "A part of it, transferring no more: `attractory fetch URL --systems NAME --granularity NAME --split NAME --to DIR`"
        + (", or `--starter`." if starter else ". A starter of less than 100 MB does not fit: single trajectories are too long.")
    )


def _licence(dataset: StoredDataset, *, version: str) -> str:
    names = author_names(dataset.attributes)
    authors = f"Authors: {', '.join(names)}." if names else "No authors are stated."
    return (
        "## Licence and citation\n\n"
        f"{dataset.attributes[layout.LICENCE]}. {authors} Please cite {dataset.name}, version {version}, and the sources of the systems "
        "that you use; `CITATION.cff` has them all."
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines)


def _bytes(size: int) -> str:
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000.0:
            return f"{value:.3g} {unit}"
        value /= 1000.0
    return f"{value:.3g} TB"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def evidence_of(report: Mapping[str, Any], *, manifest_digest: str, text: str) -> Evidence:
    """The checks of `report.json` where it is about the store with this manifest, none otherwise."""
    checks = tuple(Check(**check) for check in report.get("checks", ()))
    about = any(check.name == "digests" and manifest_digest in check.message for check in checks)
    return Evidence(checks, text) if about else Evidence(())
