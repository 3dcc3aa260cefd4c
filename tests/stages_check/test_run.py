"""Many entries at once: the same results in any number of processes, counts, a table, one line for what cannot be read."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from attractory.errors import CatalogError
from attractory.stages.check import check

ENTRY = """
name: {name}
kind: map
behaviour: {behaviour}
tags: [mine, {tag}]
parameters: {{r: {r}}}
equations: {{x: r*x*(1 - x)}}
initial: {{x: 0.4}}
"""
VALUES = [(2.5, "fixed_point"), (3.2, "periodic"), (3.5, "periodic"), (3.83, "periodic"), (3.9, "chaotic"), (4.0, "periodic")]


@pytest.fixture
def folder(tmp_path):
    for number, (r, behaviour) in enumerate(VALUES):
        text = ENTRY.format(name=f"Parabola{number}", behaviour=behaviour, r=r, tag="odd" if number % 2 else "even")
        (tmp_path / f"parabola{number}.yaml").write_text(text)
    return tmp_path


def timeless(results):
    return [replace(result, seconds=0.0) for result in results]


def test_results_depend_neither_on_workers_nor_on_order(folder):
    """Two processes find what one does, and an entry's result is the same whatever was checked before it."""
    alone = check([folder])
    files = sorted(folder.iterdir(), reverse=True)
    assert timeless(check(files, workers=2).results) == timeless(reversed(alone.results))


def test_counts_are_by_kind_behaviour_and_tag(folder):
    """The most frequent first; a document that JSON can hold says the same, entry by entry."""
    found = check([folder])
    assert found.counts() == {
        "kind": {"map": 6},
        "behaviour": {"periodic": 4, "chaotic": 1, "fixed_point": 1},
        "tag": {"mine": 6, "even": 3, "odd": 3},
    }
    document = json.loads(json.dumps(found.document(), allow_nan=False))
    assert document["counts"] == found.counts()
    assert [entry["verdict"] for entry in document["entries"]] == ["pass"] * 5 + ["fail"]
    last = document["entries"][-1]
    assert (last["name"], last["kind"], last["behaviour"], last["tags"]) == ("Parabola5", "map", "periodic", ["mine", "odd"])
    (failed,) = [finding for finding in last["checks"] if finding["verdict"] == "fail"]
    assert failed["name"] == "behaviour"
    assert document["failures"] == [failed["message"]]


def test_the_page_has_a_line_for_each_failure_and_a_table(folder):
    """Failures come first, each with file, line and key."""
    line, table, end = check([folder]).page()
    assert re.match(rf"{folder}/parabola5\.yaml:4: behaviour is periodic, and the trajectories are chaotic: ", line)
    assert table.row_count == 1 + 3 + 3
    assert re.match(r"6 systems checked in \S+ s of one core, 1 failed, 1 problem", end)


def test_progress_names_each_entry_as_it_is_done(folder):
    """Once for each, with how many are done."""
    seen = []
    check([folder], progress=lambda done, total, name: seen.append((done, total, name)))
    assert seen == [(number + 1, 6, f"Parabola{number}") for number in range(6)]


def test_what_cannot_be_read_is_said_before_anything_is_tried(folder):
    """A line for each problem, of all files."""
    for number in (1, 3):
        path = folder / f"parabola{number}.yaml"
        path.write_text(path.read_text().replace("r*x*(1 - x)", "r*y"))
    with pytest.raises(CatalogError) as caught:
        check([folder])
    assert [line.rpartition("/")[2][:36] for line in str(caught.value).splitlines()] == [
        "parabola1.yaml:7: equations.x uses '",
        "parabola3.yaml:7: equations.x uses '",
    ]
