"""The command line: what a person types, and what a program reads from it."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from attractory import cli, console, layout
from attractory.kernels.cache import KernelCache

COMMANDS = [command.callback.__name__ for command in cli.app.registered_commands]

WRONG_ENERGY = """
name: Oscillator
kind: flow
equations: {x: y, y: -x - 0.1*y}
initial: {x: 1.0, y: 0.0}
conserved: {energy: x**2/2 + y**2/2}
timescale: {period: 6.28, definition: one turn}
"""


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def attractory(capsys: pytest.CaptureFixture[str]):
    """Runs one command line in this process."""

    def run(*arguments: str | Path) -> Ran:
        code = console.run([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_takes_json_and_stands_in_the_readme(attractory, repository, command):
    """A command is found by `--help`, by a program, and by a reader."""
    ran = attractory(command, "--help")
    assert ran.code == 0
    assert "--json" in ran.out
    assert f"`attractory {command} " in (repository / "README.md").read_text()


def test_the_list_of_commands_is_the_promised_one(attractory):
    """The names are a contract: scripts call them."""
    promised = {
        "systems",
        "show",
        "new",
        "check",
        "generate",
        "validate",
        "verify",
        "certify",
        "publish",
        "fetch",
        "reproduce",
        "gallery",
        "build",
        "annotate",
        "info",
        "lock",
        "cache",
    }
    assert set(COMMANDS) == promised
    assert attractory().out == attractory("--help").out


def test_help_loads_nothing_heavy():
    """`attractory --help` is quick: the numerics are imported by the commands that use them."""
    code = "import sys; import attractory.cli; sys.exit(bool({'numpy', 'dask', 'numba', 'xarray', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_systems_are_objects_with_name_kind_dimension_and_behaviour(attractory):
    """`systems --json` is what programs choose systems by."""
    ran = attractory("systems", "--json")
    lorenz = next(system for system in ran.document if system["name"] == "Lorenz")
    assert (lorenz["kind"], lorenz["dimension"], lorenz["behaviour"]) == ("flow", 3, "chaotic")
    assert [system["name"] for system in ran.document] == sorted(system["name"] for system in ran.document)


def test_systems_of_one_kind(attractory):
    """`--kind` leaves the others out, and refuses what is no kind."""
    assert {system["kind"] for system in attractory("systems", "--kind", "map", "--json").document} == {"map"}
    assert "Did you mean 'flow'?" in attractory("systems", "--kind", "flo").err


def test_systems_are_found_by_what_they_are(attractory):
    """Options narrow, one given twice widens; what is none is one sentence."""
    found = attractory("systems", "--kind", "flow", "--dimension", "4+", "--behaviour", "hyperchaotic", "--json").document
    assert "Lorenz96" in [system["name"] for system in found]
    assert {(system["kind"], system["behaviour"], system["dimension"] >= 4) for system in found} == {("flow", "hyperchaotic", True)}
    either = attractory("systems", "--tag", "laser", "--tag", "medicine", "--json").document
    assert all({"laser", "medicine"} & set(system["tags"]) for system in either)
    assert len(either) > len(attractory("systems", "--tag", "laser", "--json").document)
    chosen = attractory("systems", "--where", "lyapunov_exponent > 0.5 and dimension == 3", "--json").document
    assert {"value": 0.9063, "standard_error": 0.002} in [system["lyapunov_exponent"] for system in chosen]
    assert attractory("systems", "--kind", "network", "--json").document == []


def test_show_typesets_the_equations(attractory):
    """One page about a system; as a document for a program the equations are as written."""
    ran = attractory("show", "Lorenz")
    assert "ẋ = σ (y − x)" in ran.out
    assert "\u28ff" not in ran.out  # a picture is for a terminal, or for who asks
    assert attractory("show", "Lorenz", "--json").document["equations"]["x"] == "sigma*(y - x)"
    assert "x from " in attractory("show", "Henon", "--picture").out


def test_show_of_a_variant_has_its_values(attractory):
    """A variant is an entry of its own; an unknown one is refused."""
    assert attractory("show", "Lorenz", "--variant", "dysts", "--json").document["parameters"]["beta"] == 2.667
    assert attractory("show", "Lorenz", "--variant", "dyst").err.strip().endswith("Did you mean 'dysts'?")


@pytest.mark.parametrize("target", ["sympy", "latex", "scipy", "julia", "yaml"])
def test_show_gives_the_text_for_another_program(attractory, target):
    """As it is, to be written into a file; or within a document."""
    text = __import__("attractory").system("Lorenz").as_text(target)
    assert attractory("show", "Lorenz", "--as", target).out == text.rstrip("\n") + "\n"
    assert attractory("show", "Lorenz", "--as", target, "--json").document == {"name": "Lorenz", "as": target, "text": text}


def test_gallery_says_what_it_wrote(attractory, tmp_path):
    """Pages, files and bytes; a folder of somebody else's is a wrong request."""
    ran = attractory("gallery", "Henon", "--to", tmp_path / "site", "--json")
    assert (ran.document["made"], ran.document["kept"], ran.document["without_picture"]) == (1, 0, {})
    assert ran.document["files"] == len([path for path in (tmp_path / "site").rglob("*") if path.is_file()])
    assert "1 page, 0 made and 1 kept" in attractory("gallery", "Henon", "--to", tmp_path / "site").out
    (tmp_path / "mine.txt").write_text("mine")
    assert attractory("gallery", "Henon", "--to", tmp_path).code == 2


def test_an_error_is_one_document_too(attractory):
    """With --json, standard output holds exactly one document, whatever happens; the message is on standard error as well."""
    ran = attractory("show", "Lorentz", "--json")
    assert ran.code == 2
    assert ran.document["error"] == {"kind": "CatalogError", "message": ran.err.strip().removeprefix("attractory: "), "exit_code": 2}
    assert "Did you mean 'Lorenz'?" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["show"],
        ["show", "Lorenz", "--colour"],
        ["show", "Lorenz", "--as", "matlab"],
        ["systems", "--tag", "lasr"],
        ["systems", "--kind", "flo"],
        ["systems", "--behaviour", "chaos"],
        ["systems", "--dimension", "many"],
        ["systems", "--where", "dimension"],
        ["generate", "nowhere"],
        ["generate", "nowhere", "--workers", "0"],
        ["generate", "nowhere", "--workers", "2", "--cluster", "scheduler.json"],
        ["validate", "nowhere.zarr"],
        ["verify", "nowhere.zarr"],
        ["certify", "nowhere.zarr"],
        ["publish", "nowhere.zarr"],
        ["publish", "nowhere.zarr", "--to", "published"],
        ["publish", "nowhere.zarr", "--to", "published", "--format", "csv"],
        ["publish", "nowhere.zarr", "--to", "hf://datasets/me/mine"],
        ["fetch", "nowhere", "--to", "here"],
        ["reproduce", "nowhere"],
        ["annotate", "Nothing"],
        ["info", "nowhere.zarr"],
        ["lock", "nowhere"],
        ["check", "nowhere.yaml"],
    ],
    ids=" ".join,
)
def test_a_wrong_request_exits_2_with_one_line(attractory, tmp_path, monkeypatch, arguments):
    """Each is one clear message, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    ran = attractory(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 3),
        (OSError(errno.ENOSPC, "No space left on device"), 3),
        (PermissionError(errno.EACCES, "Permission denied", "place"), 2),
        (ZeroDivisionError("x"), 70),
    ],
    ids=repr,
)
def test_what_is_no_error_of_ours_by_name_still_has_its_exit_code(error, code):
    """A signal and a full disk can be resumed (3), a place without permission was a wrong request (2), the rest is our fault (70)."""
    _, message, found = console._outcome(error)
    assert found == code
    assert message


def test_a_fault_of_ours_keeps_its_traceback(capsys, tmp_path, monkeypatch):
    """The message is short and says where the traceback is."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert console._refused(ZeroDivisionError("x"), as_json=False, debug=False) == 70
    (kept,) = tmp_path.iterdir()
    assert str(kept) in capsys.readouterr().err
    assert "ZeroDivisionError: x" in kept.read_text()


def test_check_tells_what_does_not_parse_from_what_fails_as_numbers(attractory, tmp_path):
    """Exit 2 with file and line for the first, exit 1 for the second."""
    entry = tmp_path / "oscillator.yaml"
    entry.write_text(WRONG_ENERGY)
    drifting = attractory("check", entry)
    assert drifting.code == 1
    assert f"{entry}:6: conserved.energy is not conserved: it changes by" in drifting.out
    entry.write_text(WRONG_ENERGY.replace("-x - 0.1*y", "-x - k*y"))
    broken = attractory("check", entry)
    assert broken.code == 2
    assert f"{entry}:4: equations.y" in broken.err


def test_check_passes_what_holds(attractory, tmp_path):
    """The oscillator without its damping keeps its energy."""
    (tmp_path / "oscillator.yaml").write_text(WRONG_ENERGY.replace(" - 0.1*y", ""))
    document = attractory("check", tmp_path, "--json").document
    assert (document["systems"], document["failures"]) == (["Oscillator"], [])
    assert [(entry["name"], entry["kind"], entry["verdict"]) for entry in document["entries"]] == [("Oscillator", "flow", "pass")]
    assert document["counts"]["kind"] == {"flow": 1}


def test_a_finished_dataset_can_be_asked_about(attractory, project):
    """info, verify and validate read a store and say what they found."""
    store = project / "datasets" / "quickstart" / "quickstart.zarr"
    assert attractory("info", store, "--json").document["systems"]["Lorenz"]["variables"] == ["x", "y", "z"]
    assert attractory("verify", store, "--json").document["repaired"] == []
    assert "quickstart.zarr" in attractory("info", store).out


def test_validate_prints_the_report(attractory, project, tmp_path):
    """`validate --json` prints what report.json holds, and exits 0 where every check passes."""
    ran = attractory("validate", project / "datasets" / "quickstart" / "quickstart.zarr", "--report", tmp_path, "--json")
    assert ran.code == 0
    assert ran.document == json.loads((tmp_path / "report.json").read_text())
    assert ran.document["verdict"] == "pass"


def test_validate_exits_1_and_its_page_says_what_failed(attractory, project, tmp_path):
    """A byte of a shard is another one: on the terminal and in report.html the digests fail, with a section of their own."""
    store = shutil.copytree(project / "datasets" / "quickstart" / "quickstart.zarr", tmp_path / "spoilt.zarr")
    shard = store / layout.shard_path("Lorenz", "coarse", 0)
    content = bytearray(shard.read_bytes())
    content[200] ^= 1
    shard.write_bytes(content)
    ran = attractory("validate", store)
    assert ran.code == 1
    assert "✗ digests" in ran.out
    assert f"{tmp_path / 'report'}/report.html" in ran.out
    page = (tmp_path / "report" / "report.html").read_text()
    assert 'href="#check-store-digests-store"' in page
    assert 'id="check-store-digests-store"' in page


def test_building_again_does_nothing(attractory, project):
    """A finished store and its published version are found, not made."""
    ran = attractory("build", project / "datasets" / "quickstart", "--workers", "1", "--json")
    assert ran.code == 0
    assert ran.document["generated"]["made"] == 0
    assert ran.document["published"]["unchanged"]


def test_cache_shows_and_clears_what_is_kept(attractory, tmp_path, monkeypatch):
    """Folder, kernels and bytes, each system by name; cleared, it says what that freed and is empty."""
    monkeypatch.setenv("ATTRACTORY_CACHE", str(tmp_path))
    assert attractory("cache", "--json").document["kernels"] == 0
    for key, system, size in (("a", "Lorenz", 1000), ("b", "Lorenz", 2000), ("c", "Rossler", 500)):
        KernelCache(tmp_path / "kernels").keep(key * 64, system, bytes(size))
    shown = attractory("cache", "--json").document
    assert (shown["folder"], shown["kernels"]) == (str(tmp_path / "kernels"), 3)
    assert [(system["name"], system["kernels"]) for system in shown["systems"]] == [("Lorenz", 2), ("Rossler", 1)]
    assert shown["bytes"] == sum(path.stat().st_size for path in (tmp_path / "kernels").iterdir()) > 3500
    assert "3 kernels" in attractory("cache").out
    assert attractory("cache", "--clear", "--json").document["freed"] == {"kernels": 3, "bytes": shown["bytes"]}
    assert list((tmp_path / "kernels").iterdir()) == []


def test_cache_says_that_it_is_off(attractory, monkeypatch):
    """Off is a state, not an error: nothing is kept and nothing is to clear."""
    monkeypatch.setenv("ATTRACTORY_CACHE", "off")
    assert attractory("cache", "--json").document["folder"] is None
    assert attractory("cache", "--clear").code == 0


def test_cache_leaves_a_folder_alone_that_others_write_to(attractory, tmp_path, monkeypatch):
    """It says whose fault that is and what to do, and deletes nothing."""
    monkeypatch.setenv("ATTRACTORY_CACHE", str(tmp_path))
    KernelCache(tmp_path / "kernels").keep("a" * 64, "Lorenz", b"code")
    (tmp_path / "kernels").chmod(0o777)
    ran = attractory("cache", "--clear")
    assert ran.code == 2
    assert "others may write to it" in ran.err
    assert len(list((tmp_path / "kernels").iterdir())) == 1


def test_without_the_extra_the_command_says_so_in_one_line():
    """An installation of the loader alone has the command, which names what to install."""
    code = "import sys; sys.modules['typer'] = None; from attractory.console import main; main()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "pip install 'attractory[pipeline]'" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
