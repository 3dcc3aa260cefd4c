"""`attractory build`: generate, validate and publish a recipe, in one command."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from attractory.stages.cluster import Workers
from attractory.stages.generate import generate
from attractory.stages.located import LocatedRecipe, read_recipe
from attractory.stages.progress import Progress
from attractory.stages.publish import Published, publish
from attractory.stages.summary import GenerateSummary
from attractory.stages.validate import Asked, Report, validate
from attractory.store.objects import ObjectPath

PUBLISHED = "published"  # the folder beside the recipe, unless another place is asked for


@dataclass(frozen=True)
class Built:
    """The outcomes of the three stages; `published` is None where validation failed."""

    generated: GenerateSummary
    report: Report
    published: Published | None

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "generated": self.generated.document(),
            "verdict": self.report.verdict,
            "failures": [asdict(check) for check in self.report.failures],
            "published": asdict(self.published) if self.published else None,
        }


def build(
    recipe: str | Path | LocatedRecipe,
    *,
    out: str | Path | ObjectPath | None = None,
    workers: int | Workers = 1,
    to: str | Path | None = None,
    progress: Progress | None = None,
) -> Built:
    """The three stages, each of which finds what an earlier run has done; nothing is published that failed a check.

    Args:
        recipe: as of `generate`.
        out: the store; None is beside the recipe. The report lies beside the store.
        to: where to publish; None is `published` beside the recipe.
    """
    located = read_recipe(recipe)
    place = located.path.parent / PUBLISHED if to is None else to
    generated = generate(located, out=out, workers=workers, progress=_titled(progress, "generate"))
    asked = Asked(recipe=located.path if located.path.is_file() else None)
    report = validate(generated.store, asked=asked, progress=_titled(progress, "validate"))
    if report.verdict == "fail":
        return Built(generated, report, None)
    return Built(generated, report, publish(generated.store, to=place, progress=_titled(progress, "publish")))


def _titled(progress: Progress | None, title: str) -> Progress | None:
    """The same progress, with the stage in its note."""
    if progress is None:
        return None
    return lambda done, total, note: progress(done, total, f"{title} {note}".strip())
