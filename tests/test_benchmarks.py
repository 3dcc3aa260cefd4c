"""The benchmarks' arithmetic; nothing here measures a time."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import attractory
from attractory.stages.summary import GenerateSummary, Tally
from attractory.stages.task import BlockReport
from attractory.store import Block

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch):
    """A script of benchmarks/ by name, imported as the scripts import each other."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.fixture
def lines(script) -> list:
    """Two systems at every sampling and tolerance: ours is 8 and 2 times heyoka, so 4 times in the geometric mean."""
    engine: ModuleType = script("engine")
    numbers = {
        "batch": 8,
        "scipy": 4.0,
        "error": 1e-12,
        "heyoka_error": 2e-12,
        "steps_per_sample": 1.0,
        "floor": 4e6,
        "spread": 0.0,
        "waited": 0.0,
    }
    return [
        engine.Line(name, per_period, tolerance, ours, 1e4, dysts=0.02 if tolerance == 1e-9 else 0.0, **numbers)
        for per_period in engine.SAMPLINGS
        for tolerance in engine.TOLERANCES
        for name, ours in (("Lorenz", 8e4), ("Thomas", 2e4))
    ]


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_is_imported_without_the_peers(script, name: str) -> None:
    """A script loads heyoka, SciPy's solvers and dysts when it measures them, so that `make test` needs none of them."""
    assert script(name).__doc__


def test_a_factor_and_its_inverse_have_the_geometric_mean_one(script) -> None:
    """Ratios of several systems are joined so that twice as fast and half as fast undo each other."""
    assert script("measure").geometric_mean([2.0, 0.5, 1.0]) == pytest.approx(1.0)


@pytest.mark.parametrize(("rate", "text"), [(16.23e6, "16.2 M"), (395_000, "395 k"), (105.2, "105"), (2.5e9, "2.5 G")])
def test_rates_are_written_with_three_figures(script, rate: float, text: str) -> None:
    """A reader compares rates at a glance."""
    assert script("measure").rate_text(rate) == text


def test_candidates_run_in_turn_and_each_rate_is_its_own_work(script, monkeypatch: pytest.MonkeyPatch) -> None:
    """After one untimed run each, the rounds go through all candidates, so that a slow minute hits all of them."""
    measure, order = script("measure"), []
    monkeypatch.setattr(measure, "SHORTEST_SECONDS", 0.0)
    cases = [
        measure.Case(name, lambda name=name: lambda: order.append(name) or sum(range(20_000)), work)
        for name, work in (("a", 1.0), ("b", 2.0))
    ]
    rows, made = measure.measure(cases, rounds=3)
    assert "".join(order) == "abababab"
    assert [row.name for row in rows] == ["a", "b"]
    assert made == {"a": sum(range(20_000)), "b": sum(range(20_000))}


def test_every_ratio_stands_beside_what_is_required(script, lines) -> None:
    """3.5 and 3 times heyoka, 1,500 times SciPy, 100,000 times dysts, and no larger errors."""
    found = {one.name: one for one in script("engine").requirements(lines)}
    heyoka = found["times heyoka, 100 a period, 1e-09"]
    assert (heyoka.measured, heyoka.bound, heyoka.met) == (pytest.approx(4.0), 3.5, True)
    assert found["times SciPy's DOP853, 15 a period, 1e-09"].measured == pytest.approx(10_000)
    assert found["times dysts as shipped, 15 a period"].measured == pytest.approx(2_000_000)
    assert found["error beside heyoka's, 15 a period, 1e-13"].measured == pytest.approx(0.5)
    assert sorted(one.bound for one in found.values()) == [1.0] * 4 + [3.0] * 3 + [3.5] + [1500] * 2 + [100_000] * 2


def test_a_requirement_can_be_missed(script) -> None:
    """At least and at most are told apart, and the table says which one it was."""
    table = script("table")
    slow, small = table.Requirement("rate", 2.9, 3.0, unit=" x"), table.Requirement("memory", 0.5, 1.0, at_least=False, unit=" GiB")
    assert (slow.met, small.met) == (False, True)
    text = table.requirement_table([slow, small])
    assert "| rate     |  2.9 x |     >= 3 x |  MISSED |".replace(" ", "") in text.replace(" ", "")
    assert "<= 1 GiB |     met |" in text


def test_requirements_survive_the_file_between_processes(script, tmp_path: Path) -> None:
    """The verdict is made of what each part measured, not of what it printed."""
    table = script("table")
    wanted = [table.Requirement("memory", 0.5, 1.0, at_least=False, unit=" GiB")]
    table.write(tmp_path / "part.json", [], wanted)
    assert table.read_requirements(tmp_path / "part.json") == wanted


def test_operations_are_counted_from_the_text_of_the_functions(script) -> None:
    """A fused multiply-add is two, a product one, a load none; Horner's rule takes one multiply-add an order for each sample."""
    floor = script("floor")
    assert floor._count("%a = load %p\n%b = call <8 x double> @llvm.fma.v8f64(%a)\n%c = fmul <8 x double> %b, %a") == 3
    decay = attractory.System(name="Decay", equations={"x": "-a*x"}, parameters={"a": 1.0}, initial={"x": 1.0})
    small, large = (floor.arithmetic(decay.definition, tolerance) for tolerance in (1e-9, 1e-13))
    orders = 18 - 14  # order = ceil(1 - ln(tolerance) / 1.8), rounded up to an even number
    assert large.per_sample - small.per_sample == 2 * orders
    assert large.per_step - small.per_step >= (1 + 1 + 4) * orders  # a times x, 1/(k + 1), and Horner's rule for value and slope


def test_the_bound_is_the_slower_of_arithmetic_and_memory(script) -> None:
    """Ten operations at ten a second take a second; 8 bytes at 16 a second half of one."""
    floor = script("floor")
    found = floor.floor(floor.Arithmetic(per_step=4, per_sample=2), floor.Peaks(10.0, 1e9, 16.0), steps_per_sample=2.0, variables=1)
    assert (found.arithmetic, found.memory, found.rate) == (1.0, 0.5, 1.0)


def test_the_error_is_relative_to_the_largest_true_state(script) -> None:
    """All off by 1e-3 where states reach 2: 5e-4."""
    truth = np.array([[2.0, 1.0], [0.5, -1.0]])
    states = np.stack([truth, truth + 1e-3], axis=1)  # (trajectory, time, variable)
    assert script("work").error_after_one_period(states, truth, 1) == pytest.approx(5e-4)


def test_candidates_start_from_the_same_states_near_the_catalogued_one(script) -> None:
    """Every candidate is given this array; two calls give the same."""
    first, second = (script("work").work("Lorenz", per_period=100, tolerance=1e-9) for _ in range(2))
    assert first.initial.shape == (256, 3)
    assert np.array_equal(first.initial, second.initial)
    assert np.abs(first.initial - first.system.initial).max() < 0.01
    assert first.dt == first.system.period / 100


def test_a_stiff_system_is_cut_down_only_where_it_must_be(script) -> None:
    """Ten minutes in full are allowed; else fewer trajectories, down to one group of lanes, and then fewer samples."""
    generate = script("generate")
    full = generate.Sizes(256, 4096)
    assert generate.stiff_sizes(generate.PeriodCost(steps=1e4, seconds=1e-3), full, 120.0) == full
    cut = generate.stiff_sizes(generate.PeriodCost(steps=1e6, seconds=0.08), full, 120.0)
    assert cut == generate.Sizes(16, 1024)
    assert 0.08 * 16 * (20 + 1024 / 15) < 120 < 0.08 * 16 * (20 + 2048 / 15)


def test_the_part_that_reaches_the_disk_leaves_out_start_up_and_compiling(script, tmp_path: Path) -> None:
    """100 samples in 10 s, of which 3 s are start-up and 2 s compiling, while the engine took 1 s: a fifth of its rate."""
    report = BlockReport(
        Block("Lorenz", 0, 0, 4),
        failed=0,
        samples=100,
        bytes=10**6,
        compile_seconds=2.0,
        engine_seconds=1.0,
        compress_seconds=2.0,
        write_seconds=1.0,
        peak_bytes=2**29,
        worker="a",
    )
    summary = GenerateSummary(tmp_path, 1, 0, 0, 1, startup_seconds=3.0, run_seconds=6.0, tally=Tally.of([report]))
    generate = script("generate")
    run = generate.measured("plain", generate.Sizes(4, 25), summary, seconds=10.0)
    assert (run.rate, run.engine_rate, run.part, run.elsewhere, run.least_part) == (20.0, 100.0, 0.2, 1.0, 0.25)
    part, memory = generate.requirements(run, [])
    assert (part.measured, part.met, memory.measured, memory.met) == (pytest.approx(20), False, 0.5, True)


def test_the_catalog_compiles_and_is_found_a_system_on_average(script) -> None:
    """Two systems of 0.05 and 0.25 s are over 0.1 s and at 0.15 s; what is found is the median of the processes."""
    cache = script("kernel_cache")
    runs = [{"a": 0.001, "b": found} for found in (0.002, 0.003, 0.9)]
    rows = [cache.catalog(tolerance, {"a": 0.05, "b": 0.25}, runs, 10) for tolerance in (1e-9, 1e-14)]
    assert (rows[0].worst_compiled, rows[0].worst_found) == (("b", 0.25), ("b", 0.003))
    verdict = cache.requirements(rows)
    assert [one.met for one in verdict] == [False, True, True, True]
    assert [one.measured for one in verdict] == pytest.approx([0.15, 2.0, 0.15, 2.0])


def test_the_recipe_asks_for_every_system_once_and_for_all_trajectories(script, tmp_path: Path) -> None:
    """The catalog's flows and maps, stiff ones apart; the splits add up."""
    from attractory.stages.located import read_recipe

    generate = script("generate")
    plain, stiff = generate.systems()
    (tmp_path / "recipe.yaml").write_text(generate.recipe_text(plain, generate.Sizes(256, 4096)))
    recipe = read_recipe(tmp_path / "recipe.yaml").recipe
    assert sum(recipe.trajectories.counts) == 256
    assert {grid.samples for grid in recipe.granularities.values()} == {4096}
    assert stiff
    assert not set(stiff) & set(recipe.systems)


def test_the_page_of_results_holds_the_machine_and_the_verdict(script) -> None:
    """A number without its machine says little."""
    verdict = [script("table").Requirement("times heyoka", 4.0, 3.5, unit=" x")]
    page = script("run").report({"processor": "a fast one", "dysts": ""}, ["what was printed"], verdict)
    assert "- processor: a fast one" in page
    assert "dysts" not in page
    assert "times heyoka" in page
    assert "what was printed" in page


def test_four_good_datasets_raise_no_false_alarm(script, tmp_path: Path) -> None:
    """The short form of a hundred: a map, small, with four seeds; every test says its chance."""
    alarms = script("false_alarms")
    count = alarms.Count()
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        count.add(seed, alarms.validated(folder, seed, alarms.STATISTICAL, systems=("Henon",)))
    assert count.failures == {}
    assert len(count.chances["truth.fresh:measure"]) == 8  # two granularities each
    assert len(count.chances["truth.invariants:correlation_dimension"]) == 4
    text = alarms.page(count, whole=False)
    assert "**0 failed.**" in text
    assert "| splits.same_measure | 8 |" in text
