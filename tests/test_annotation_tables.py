"""The scripts of benchmarks/annotations/, each on a small catalog or a few rows of its own."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import attractory
from attractory import System

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks" / "annotations"
HENON = {
    "kind": "map",
    "equations": {"x": "1 - a*x**2 + y", "y": "b*x"},
    "parameters": {"a": 1.4, "b": 0.3},
    "initial": {"x": 0.1, "y": 0.1},
    "behaviour": "chaotic",
}
LORENZ = {
    "equations": {"x": "10*(y - x)", "y": "x*(28 - z) - y", "z": "x*y - 8*z/3"},
    "initial": {"x": 1.0, "y": 1.0, "z": 25.0},
    "behaviour": "chaotic",
}
PENDULA = {  # two coupled ones, rubbed alike: each pair of exponents adds up to -0.3
    "equations": {"x": "v", "y": "w", "v": "-sin(x) + y - x - 0.3*v", "w": "-sin(y) + x - y - 0.3*w"},
    "initial": {"x": 1.0, "y": 0.5, "v": 0.0, "w": 0.0},
    "behaviour": "fixed_point",
}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """A script of benchmarks/annotations/ by name, imported as the scripts import each other."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


def annotation(value: float | list[float], error: float | list[float], **settings: object) -> dict[str, object]:
    return {"value": value, "standard_error": error, "method": "made up", "settings": settings, "computed_with": "nothing"}


def spectrum(value: list[float], error: list[float]) -> dict[str, object]:
    return annotation(value, error, duration=500.0, interval=0.5, tolerance=1e-9)


INVARIANTS = {
    "Henon": {"lyapunov_spectrum": spectrum([0.42, -1.623972804326], [1e-3, 1e-3]), "mean_divergence": annotation(-1.203972804326, 1e-12)},
    "Lorenz": {
        "lyapunov_spectrum": spectrum([0.905, 1e-4, -14.5718], [1e-3, 1e-3, 1e-3]),
        "mean_divergence": annotation(-13.66667, 1e-12),
        "kaplan_yorke_dimension": annotation(2.062, 1e-3),
        "information_dimension": annotation(2.064, 2e-3),
        "correlation_dimension": annotation(2.05, 4e-3),
    },
    "Pendula": {"lyapunov_spectrum": spectrum([-0.1, -0.14, -0.16, -0.2], [1e-6] * 4), "mean_divergence": annotation(-0.6, 1e-12)},
}


@pytest.fixture
def catalog(tmp_path: Path) -> Callable[..., Path]:
    """Writes a catalog of three systems with annotations, some of which may be others than theory allows; gives its folder."""

    def written(**changed: dict[str, object]) -> Path:
        folder = tmp_path / "catalog"
        folder.mkdir(exist_ok=True)
        for name, entry in (("Henon", HENON), ("Lorenz", LORENZ), ("Pendula", PENDULA)):
            invariants = INVARIANTS[name] | changed.get(name, {})
            (folder / f"{name.lower()}.yaml").write_text(System(name=name, **entry, invariants=invariants).to_yaml())
        return folder

    return written


def test_annotations_that_obey_theory_pass_every_identity(script, catalog, tmp_path) -> None:
    """The page counts them, and the exit code is 0."""
    assert script("identities").main(["--catalog", str(catalog()), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "identities.md").read_text()
    counted = dict(re.findall(r"^\| (\w[^|]+ [^|]+?) \| (\d+ \| \d+ \| \d+) \|$", page, flags=re.MULTILINE))
    assert counted == {
        "The sum of the exponents is the mean divergence": "3 | 3 | 0",
        "A flow without explicit time has a zero exponent": "1 | 1 | 0",
        "Exponents in pairs": "2 | 2 | 0",
        "D2 <= D1 <= D_KY": "1 | 1 | 0",
        "What is chaotic has a positive exponent": "2 | 2 | 0",
    }
    assert "Not checked: 2 without two of the three dimensions." in page
    assert "| lyapunov_spectrum | 3 | 0 |" in page
    assert "| information_dimension | 1 | 2 |" in page


@pytest.mark.parametrize(
    ("name", "wrong", "identity"),
    [
        ("Henon", {"mean_divergence": annotation(-1.19, 1e-12)}, "The sum of the exponents"),
        ("Lorenz", {"lyapunov_spectrum": spectrum([0.905, 0.01, -14.58167], [1e-3, 1e-3, 1e-3])}, "A flow without explicit time"),
        ("Pendula", {"lyapunov_spectrum": spectrum([-0.1, -0.11, -0.16, -0.23], [1e-6] * 4)}, "Exponents in pairs"),
        ("Lorenz", {"correlation_dimension": annotation(2.1, 4e-3)}, "D2 <= D1"),
        ("Henon", {"lyapunov_spectrum": spectrum([0.42, -1.623972804326], [0.1, 0.1])}, "What is chaotic"),
    ],
)
def test_an_annotation_that_breaks_an_identity_is_named(script, catalog, tmp_path, capsys, name, wrong, identity) -> None:
    """Its system and the identity are told, its row comes first, and the exit code is 1."""
    assert script("identities").main(["--catalog", str(catalog(**{name: wrong})), "--out", str(tmp_path)]) == 1
    assert re.match(rf"{re.escape(identity)}.*: {name} \(", capsys.readouterr().err)
    section = (tmp_path / "identities.md").read_text().split(f"## {identity}")[1]
    assert re.search(r"\| --- \|\n\| (\w+) .*\*\*fails\*\* \|", section).group(1) == name


def test_what_chance_may_do_is_outside_and_does_not_fail(script, catalog, tmp_path) -> None:
    """Three and a half errors: of some hundred systems one is so far off."""
    error = np.hypot(1e-3, 1e-3)  # of the sum of two exponents
    off = {"mean_divergence": annotation(-1.203972804326 - 3.5 * error, 1e-12)}
    assert script("identities").main(["--catalog", str(catalog(Henon=off)), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "identities.md").read_text()
    assert "| The sum of the exponents is the mean divergence | 3 | 2 | 0 |" in page
    assert re.search(r"^\| Henon \| .* \| 3\.5 \| outside \|$", page, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (HENON, np.log(0.3)),  # the determinant -b
        (PENDULA, -0.3),
        (LORENZ, None),  # three variables
        ({**PENDULA, "equations": {**PENDULA["equations"], "w": "-sin(y) + x - y - 0.2*w"}}, None),  # rubbed differently
    ],
)
def test_pairs_of_exponents_are_foretold_by_the_equations(script, entry, expected) -> None:
    """Where a constant symplectic form is kept up to one rate, and nowhere else."""
    found = script("pairing").pair_sum(System(name="Tried", **entry))
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-12))


def test_the_form_is_found_in_any_order_of_the_variables(script) -> None:
    """Hénon and Heiles' system with momenta and positions mixed, of which no pair stands side by side."""
    equations = {"px": "-x - 2*x*y", "x": "px", "py": "-y - x**2 + y**2", "y": "py"}
    mixed = System(name="Mixed", equations=equations, initial={"px": 0.4, "x": 0.1, "py": 0.0, "y": -0.2})
    assert script("pairing").pair_sum(mixed) == 0.0


def test_dysts_is_compared_with_what_has_its_parameters(script, tmp_path) -> None:
    """The entry, or its variant, which is measured once; what is regular or missing is not in the counts."""
    folder = tmp_path / "catalog"
    folder.mkdir()
    logistic = {
        "kind": "map",
        "equations": {"x": "r*x*(1 - x)"},
        "parameters": {"r": 3.9},
        "initial": {"x": 0.3},
        "variants": {"dysts": {"parameters": {"r": 4}, "behaviour": "chaotic"}},
    }
    (folder / "logistic.yaml").write_text(System(name="Logistic", **logistic, behaviour="chaotic").to_yaml())
    for name, entry in (("Henon", HENON), ("Lorenz", LORENZ), ("Pendula", PENDULA)):
        (folder / f"{name.lower()}.yaml").write_text(System(name=name, **entry, invariants=INVARIANTS[name]).to_yaml())
    theirs = {
        "Logistic": {"spectrum": 0.7, "maximum": 0.7, "D_KY": None, "D2": None},
        "Henon": {"spectrum": 0.64, "maximum": 0.42, "D_KY": None, "D2": None},
        "Lorenz": {"spectrum": 1.0, "maximum": 0.9, "D_KY": 2.07, "D2": 2.0, "motion": "fixed_point"},
        "Pendula": {"spectrum": 0.1, "maximum": 0.1, "D_KY": 1.0, "D2": 1.0},
        "Missing": {"spectrum": 0.1, "maximum": 0.1, "D_KY": 1.0, "D2": 1.0},
    }
    (tmp_path / "theirs.json").write_text(json.dumps({"systems": theirs}))
    arguments = ["--catalog", str(folder), "--data", str(tmp_path / "theirs.json"), "--out", str(tmp_path), "--measure", "--budget", "0.1"]
    assert script("against_dysts").main(arguments) == 0
    page = (tmp_path / "dysts.md").read_text()
    assert "Of 5 systems 2 are compared, 1 are regular or chaotic for a while only, and 2 are left out." in page
    assert "| leading exponent of its spectrum | 2 | 1 | 1 | 1 | 0 |" in page  # ln 2 is near 0.7; 0.64 is over half as much again as 0.42
    assert re.search(r"^\| Henon \| entry \|.*\+52\.4 % \|", page, flags=re.MULTILINE)
    assert "| Lorenz | from the initial state that dysts has the motion is fixed point |" in page
    assert "| Missing | not in the catalog |" in page
    measured = json.loads((tmp_path / "dysts.json").read_text())
    assert measured["Logistic"]["lyapunov_spectrum"]["value"] == [pytest.approx(np.log(2), abs=0.01)]  # a tenth of a second
    assert list(measured) == ["Logistic"]


CYCLE = {"x": "x - y - x*(x*x + y*y)", "y": "x + y - y*(x*x + y*y)"}


def row(system: str, quantity: str, value: object, *, error: object = None, **more: object) -> dict[str, object]:
    closed = {"origin": "closed form", "source": "a book"}
    return {"system": system, "quantity": quantity, "value": value, "standard_error": error, **closed, **more}


TRUTH = {
    "systems": {
        "cycle": {"kind": "flow", "equations": CYCLE, "parameters": {}, "initial": [0.5, 0.5]},
        "logistic": {"kind": "map", "equations": {"x": "4*x*(1 - x)"}, "initial": [0.1], "entry": "Logistic", "variant": "r4"},
    },
    "rows": [
        row("cycle", "lyapunov_spectrum", [0, -2]),
        row("cycle", "mean_divergence", -2, origin="computed", time=100.0),
        row("logistic", "lyapunov_spectrum", [0.6931471805599453]),
    ],
}
WRONG = row("logistic", "lyapunov_spectrum", [0.7], error=[5e-4], origin="published")


@pytest.fixture
def truth(script, tmp_path) -> Callable[..., int]:
    """Runs truth.py on these rows and explanations with a budget of a tenth of a second."""

    def run(rows: list[dict[str, object]], explained: str = "", *, only_page: bool = False) -> int:
        (tmp_path / "rows.json").write_text(json.dumps({**TRUTH, "rows": rows}))
        (tmp_path / "explained.yaml").write_text(explained)
        files = [
            "--data",
            str(tmp_path / "rows.json"),
            "--explained",
            str(tmp_path / "explained.yaml"),
            "--out",
            str(tmp_path / "truth.json"),
        ]
        return script("truth").main([*files, "--budget", "0.1", *(["--page"] if only_page else [])])

    return run


def test_rows_that_agree_are_in_the_table_and_measured_once(truth, tmp_path) -> None:
    """A second run finds the results of the first and measures nothing."""
    assert truth(TRUTH["rows"]) == 0
    page = (tmp_path / "truth.md").read_text()
    assert "**3 of 3 rows (100.0%) are within three combined standard errors**" in page
    assert "| logistic | Logistic, variant r4 | exponents |" in page
    kept = (tmp_path / "truth.json").read_bytes()
    assert truth(TRUTH["rows"]) == 0
    assert (tmp_path / "truth.json").read_bytes() == kept  # with the seconds that they took


def test_a_row_outside_fails_until_it_is_explained(truth, tmp_path, capsys) -> None:
    """Every such row is told by its name; with its explanation on the page nothing fails."""
    rows = TRUTH["rows"] * 10  # so that one row is less than a twentieth
    assert truth([*rows, WRONG]) == 1
    assert re.match(r"logistic\.lyapunov_spectrum\.published: -\d+\.\d combined errors and no explanation\n$", capsys.readouterr().err)
    assert truth([*rows, WRONG], "logistic.lyapunov_spectrum.published: Two digits were\n  guessed.\n", only_page=True) == 0
    assert "errors. Two digits were guessed." in (tmp_path / "truth.md").read_text()


def test_too_many_rows_outside_fail_also_when_all_are_explained(truth, capsys) -> None:
    """At least 95 % are within."""
    assert truth([*TRUTH["rows"], WRONG], "logistic.lyapunov_spectrum.published: Guessed.") == 1
    assert capsys.readouterr().err == "3 of 4 rows are within 3 errors; expected 95%\n"


def test_an_explanation_of_no_row_fails(truth, capsys) -> None:
    """A name with a typing error would else explain nothing."""
    assert truth(TRUTH["rows"], "logistics.lyapunov_spectrum.published: Guessed.") == 1
    assert capsys.readouterr().err == "logistics.lyapunov_spectrum.published: an explanation of no row\n"


def test_what_is_measured_has_the_equations_of_its_rows(script) -> None:
    """At random states, for every system of truth.json that the catalog has; of Mackey and Glass the parameters."""
    systems = script("truth_systems")
    for key, data in systems.read_truth().systems.items():
        if "entry" not in data:
            continue
        ours = systems.system_of(key, data)
        if data["kind"] == "delay":
            assert ours.parameters["tau"] == data["parameters"]["tau"]
            continue
        states = states_near(ours)
        expected = rates_as_written(data, states)
        found = ours.rhs(states, t=0.3)
        for place, ends in enumerate(data.get("wrap") or []):
            width = ends[1] - ends[0] if ends else np.inf  # 2*x modulo 1 is so in the entry's equation or in its `wrap`
            expected[:, place] -= np.round((expected[:, place] - found[:, place]) / width) * width if ends else 0.0
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=key)


def states_near(system: System) -> np.ndarray:
    draw = np.random.default_rng(0)
    return system.initial + 0.2 * (0.1 + np.abs(system.initial)) * draw.uniform(-1, 1, (8, system.dimension))


def rates_as_written(data: dict[str, object], states: np.ndarray) -> np.ndarray:
    """The row's own equations as a System in its own variables."""
    indexed = {"indices": {"i": "N"}, "initial": {"x[i]": 1.0}} if "x[i]" in data["equations"] else {}
    initial = indexed or {"initial": dict.fromkeys(data["equations"], 0.5)}
    written = System(name="Row", kind=data["kind"], equations=data["equations"], parameters=data["parameters"], **initial)
    return written.rhs(states, t=0.3)


def test_a_row_without_an_entry_starts_from_its_state(script) -> None:
    """The translated system has the row's rates, and its states lie within a thousandth of the row's."""
    systems = script("truth_systems")
    data = systems.read_truth().systems["henon_heiles_E16"]
    made = systems.from_row("henon_heiles_E16", data)
    start = np.array(data["initial"])
    np.testing.assert_allclose(made.rhs(made.initial), attractory.system("HenonHeiles").rhs(start), atol=1e-15)
    assert np.abs(made.initial).max() == pytest.approx(systems.NEAR)


def test_slow_zeros_have_the_error_of_their_logarithm(script) -> None:
    """log(T) / T where volumes are kept and the exponent is no larger; scatter alone elsewhere."""
    slow_zeros = script("truth_rows").slow_zeros
    kept = slow_zeros(np.array([0.5, 1e-4, -1e-4, -0.5]), 1e4)
    assert kept == pytest.approx([0.0, np.log(1e4) / 3e4, np.log(1e4) / 3e4, 0.0])
    assert slow_zeros(np.array([0.9, 1e-4, -14.0]), 1e4) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (0.9047, 0.0011, "0.9047(11)"),
        (-14.57134, 0.00072, "-14.57134(72)"),
        (123.4, 5.6, "123.4(5.6)"),
        (0.0, None, "0"),
        (2.5, 0.0, "2.5"),
    ],
)
def test_a_number_has_the_error_of_its_last_digits_in_brackets(script, value, error, expected) -> None:
    """Two digits of the error, and no more of the value."""
    assert script("pages").with_error(value, error) == expected
