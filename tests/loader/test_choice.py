"""Which systems are meant: names, queries and conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from attractory import layout
from attractory.errors import AttractoryError, ExpressionError, RequestError, StoreError
from attractory.loader import Dataset
from attractory.loader import open as open_store

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}
ANNOTATIONS = {
    "Henon": {layout.KIND: "map", layout.BEHAVIOUR: "chaotic", layout.TAGS: ["quadratic", "dissipative"]},
    "Lorenz": {layout.BEHAVIOUR: "chaotic", layout.TAGS: ["dissipative"], layout.LYAPUNOV_TIME: 1.1},
    "Sprott4": {
        layout.BEHAVIOUR: "hyperchaotic",
        layout.INVARIANTS: {"lyapunov_spectrum": {"value": [0.1, 0.05]}, "ks_entropy": {"value": 0.15}},
    },
}


@pytest.fixture(scope="module")
def dataset(stores: Any, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    written = stores.Written(systems={"Henon": 2, "Lorenz": 3, "Sprott4": 4}, annotations=ANNOTATIONS)
    return open_store(stores.write(tmp_path_factory.mktemp("choice") / "s.zarr", written))


@pytest.mark.parametrize(
    ("query", "where", "expected"),
    [
        ({"kind": "map"}, None, ["Henon"]),
        ({"tag": "dissipative", "dimension": "3+"}, None, ["Lorenz"]),
        ({"dimension": "2-3"}, None, ["Henon", "Lorenz"]),
        ({"behaviour": ["chaotic", "hyperchaotic"], "dimension": 4}, None, ["Sprott4"]),
        ({"name": "Spro*"}, None, ["Sprott4"]),
        (None, "lyapunov_exponent > 0.5 and dimension == 3", ["Lorenz"]),
        (None, "not (dimension < 3)", ["Lorenz", "Sprott4"]),
        (None, "ks_entropy >= 0.1 or ks_entropy < 0", ["Sprott4"]),
        (["Henon", "Lorenz"], "max(lyapunov_exponent, 0)*2**2 - -1 > 4.5", ["Henon", "Lorenz"]),
        (None, "lyapunov_time > 1", ["Lorenz"]),
        (None, "dimension >= 2", ["Henon", "Lorenz", "Sprott4"]),
    ],
)
def test_systems_are_found_by_what_they_are(dataset: Dataset, query: Any, where: str | None, expected: list[str]) -> None:
    """By each key of a query, and by conditions; one of which a number is not known does not fit."""
    assert list(dataset.select(query, where=where)) == expected
    drawn = {dataset.system_names[code] for batch in dataset.windows(**SETTINGS, systems=query, where=where) for code in batch.system}
    assert drawn == set(expected)


@pytest.mark.parametrize(
    ("query", "where", "error", "message"),
    [
        ({"kin": "flow"}, None, RequestError, "unknown query key 'kin'.* Did you mean 'kind'"),
        ({"tag": "quadratik"}, None, StoreError, "no system with tag 'quadratik'.* Did you mean 'quadratic'"),
        ({"kind": "map", "dimension": 4}, None, StoreError, "no system with kind map and dimension 4"),
        ({"dimension": "many"}, None, StoreError, "no system with dimension 'many'"),
        (None, "lyapunov_exponnet > 1", ExpressionError, "Did you mean 'lyapunov_exponent'"),
        (None, "dimension", ExpressionError, "has a number where a condition was expected"),
        (None, "dimension > 10", StoreError, "no system with dimension > 10"),
        (None, "1/(dimension - 3) > 0", ExpressionError, "has no value for Lorenz"),
        (None, "__import__('os').system('true') == 0", ExpressionError, "where"),
        (None, "dimension.__class__ == 0", ExpressionError, "where"),
    ],
)
def test_questions_without_meaning_are_refused(
    dataset: Dataset, query: Any, where: str | None, error: type[AttractoryError], message: str
) -> None:
    """With the nearest word, and without anything being run."""
    with pytest.raises(error, match=message):
        dataset.select(query, where=where)


def test_variables_are_picked_by_name(dataset: Dataset, stores: Any) -> None:
    """In the order that was asked for; the cache holds nothing else."""
    batch = next(iter(dataset.windows(**SETTINGS, systems=["Lorenz", "Sprott4"], variables=["z", "x"])))
    whole = next(iter(dataset.windows(**SETTINGS, systems=["Lorenz", "Sprott4"])))
    assert batch.state.shape == (16, 12, 2)
    assert (batch.state == whole.state[..., [2, 0]]).all()
    assert batch.mask.all()
    with pytest.raises(RequestError, match="Henon has no variable 'z'; it has x, y"):
        dataset.windows(**SETTINGS, variables=["z"])


def test_a_published_folder_opens_at_its_latest_version(stores: Any, tmp_path: Path) -> None:
    """`latest` names the version; the folder of one version opens too; a folder of stores that is none is refused as before."""
    for version, systems in (("1", {"Henon": 2}), ("2", {"Lorenz": 3})):
        stores.write(tmp_path / "to" / version / "tiny.zarr", stores.Written(systems=systems))
        (tmp_path / "to" / version / "croissant.json").write_text("{}")
    (tmp_path / "to/latest").write_text("2\n")
    assert open_store(tmp_path / "to").system_names == ("Lorenz",)
    assert open_store(f"file://{tmp_path}/to").system_names == ("Lorenz",)
    assert open_store(tmp_path / "to/1").system_names == ("Henon",)
    (tmp_path / "to/latest").write_text("3\n")
    with pytest.raises(StoreError, match=r"with 0 stores in it"):
        open_store(tmp_path / "to")


@pytest.mark.parametrize("text", ["", "()", "a" * 10_000, "1 < 2 < 3", "dimension == 3 and", "x if y else z", "[d for d in ()] == 0"])
def test_a_condition_from_a_stranger_is_at_worst_refused(dataset: Dataset, text: str) -> None:
    """Nothing in a text is run."""
    with pytest.raises(ExpressionError):
        dataset.select(where=text)
