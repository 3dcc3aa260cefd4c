"""Queries: what a value of each key means, and the sentence where it is none."""

from __future__ import annotations

from typing import Any

import pytest

from attractory.catalog import SystemRecord
from attractory.catalog.query import fitting, matching
from attractory.errors import CatalogError


def record(name: str, *, size: Any = 1, **more: Any) -> SystemRecord:
    """A record of `size` variables."""
    keys = {"name": name, "kind": "flow", "indices": {"i": size}, "equations": {"x[i]": "-x[i]"}, "initial": {"x": 1.0}, **more}
    return SystemRecord.from_mapping(keys)


RECORDS = (
    record("One", tags=("minimal",), behaviour="fixed_point"),
    record("Two", size=2, tags=("laser",)),
    record("Three", size=3, tags=("laser", "minimal"), behaviour="chaotic"),
    record("Nine", size=9, kind="map", behaviour="hyperchaotic"),
    record("Computed", size="2*3"),
)


@pytest.mark.parametrize(
    ("dimension", "names"),
    [
        (2, ["Two"]),
        ("2", ["Two"]),
        ("3+", ["Three", "Nine"]),
        ("2-3", ["Two", "Three"]),
        (["1", "4+"], ["One", "Nine"]),
        ("2 - 9", ["Two", "Three", "Nine"]),
        ("3-2", []),
        (99, []),
    ],
)
def test_a_dimension_is_a_number_or_a_span(dimension, names):
    """N, N+ and N-M; a record whose size is an expression has none that the catalog knows."""
    assert [found.name for found in fitting(RECORDS, {"dimension": dimension})] == names


def test_all_keys_must_fit_and_a_list_means_any_of_its_values():
    """Keys narrow, values of one key widen."""
    assert [found.name for found in fitting(RECORDS, {"tag": ["laser", "minimal"]})] == ["One", "Two", "Three"]
    assert [found.name for found in fitting(RECORDS, {"tag": ["laser", "minimal"], "behaviour": "chaotic", "dimension": "2+"})] == ["Three"]
    assert fitting(RECORDS, {}) == RECORDS


def test_a_word_of_the_format_may_find_nothing():
    """No system is a network yet, which is an answer; in a recipe it is a mistake."""
    assert fitting(RECORDS, {"kind": "network"}) == ()
    with pytest.raises(CatalogError, match=r"^no system is kind network$"):
        matching(RECORDS, {"kind": "network"})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"kind": "flo"}, r"^no system has kind 'flo'\. Expected one of flow, map, .*\. Did you mean 'flow'\?$"),
        ({"behaviour": "chaos"}, r"^no system has behaviour 'chaos'\. Expected one of chaotic, .* Did you mean 'chaotic'\?$"),
        ({"tag": "lasr"}, r"^no system has tag 'lasr'\. Did you mean 'laser'\?$"),
        ({"dimension": "many"}, r"^no system has dimension 'many'\. Write a number, N\+ or N-M\.$"),
        ({"dimension": "3++"}, r"Write a number, N\+ or N-M"),
        ({"dimension": 2.5}, r"Write a number, N\+ or N-M"),
        ({"dimension": "9" * 5000}, r"^no system has dimension '9{59}…\."),
        ({"colour": "red"}, r"^unknown query key 'colour'"),
    ],
)
def test_a_value_that_is_none_is_refused(query, message):
    """One sentence, with what is valid and what is nearest."""
    with pytest.raises(CatalogError, match=message):
        fitting(RECORDS, query)
