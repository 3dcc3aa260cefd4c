"""Everything that validation writes into the report's folder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attractory.stages.report import dvc
from attractory.stages.report.junit import junit
from attractory.stages.report.page import Shown, page
from attractory.stages.report.pictures import SystemPictures
from attractory.stages.validate.report import REPORT, Report
from attractory.store.files import Place, write_whole
from attractory.store.objects import ObjectPath

PAGE, JUNIT = "report.html", "junit.xml"


def write_report(folder: Place, report: Report, *, dataset: str, pictures: Mapping[str, SystemPictures], when: datetime) -> Place:
    """Writes the files, each whole or not at all, and returns the page's path; report.json comes last, so that it never stands beside
    files of an earlier run that say something else.

    Args:
        when: the checks were run, in UTC: it stands in junit.xml alone; the other files are the same for the same verdicts.
    """
    content = {
        PAGE: page(Shown(report, dataset, pictures)),
        JUNIT: junit(report, when=when),
        dvc.METRICS: dvc.metrics(report).encode(),
        dvc.MARGINS: dvc.margins(report).encode("utf-8", "replace"),
        dvc.EXPONENTS: dvc.exponents(pictures).encode("utf-8", "replace"),
        REPORT: report.as_json().encode("utf-8", "replace"),
    }
    if not isinstance(folder, ObjectPath):
        folder.mkdir(parents=True, exist_ok=True)
    for path, text in content.items():
        write_whole(folder / path, text, partial=folder)
    return folder / PAGE
