"""`attractory build`: generate, validate and publish, one after the other."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from attractory.stages.cluster import Workers
from attractory.stages.generate import generate
from attractory.stages.progress import Progress
from attractory.stages.publish import Published, publish
from attractory.stages.summary import GenerateSummary
from attractory.stages.validate import Report, validate


@dataclass(frozen=True)
class Built:
    """What the three stages found; `published` is None where a check failed."""

    generated: GenerateSummary
    report: Report
    published: Published | None

    def document(self) -> dict[str, Any]:
        return {
            "generated": self.generated.document(),
            "report": json.loads(self.report.as_json()),
            "published": asdict(self.published) if self.published else None,
        }


def build(
    recipe: str | Path,
    *,
    out: Path | None = None,
    workers: int | Workers = 1,
    to: str | None = None,
    progress: Progress | None = None,
) -> Built:
    """The dataset of a recipe: its store, its report and, where every check passes, its published version.

    Args:
        to: a folder or URL; None is `published` beside the store.
    Raises:
        As the three stages do; an interrupted build goes on by the same call.
    """
    generated = generate(recipe, out=out, workers=workers, progress=progress)
    report = validate(generated.store, progress=progress)
    if report.verdict != "pass":
        return Built(generated, report, None)
    return Built(generated, report, publish(generated.store, to=to or generated.store.parent / "published", progress=progress))
