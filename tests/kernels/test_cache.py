"""Kernels on the disk: the same bits, whoever made them; never code that is damaged, of another key, or from a stranger."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import attractory
from attractory.errors import RequestError
from attractory.expressions.definition import Definition
from attractory.expressions.system import System
from attractory.integrate import Engine, integrate
from attractory.kernels import Target, flow_kernel, map_kernel
from attractory.kernels.cache import KernelCache
from attractory.kernels.cache_folder import cache_folder
from attractory.kernels.cache_key import kernel_key
from attractory.kernels.machine import Module, Pointer, kept_functions

PACKAGE = Path(attractory.__file__).parent
LORENZ = {"x": "10*(y - x)", "y": "x*(28 - z) - y", "z": "x*y - 8/3*z"}
FLOW = System(name="Flow", equations=LORENZ, initial={"x": 1.0, "y": 1.0, "z": 25.0})
OTHER = System(name="Other", equations=LORENZ | {"z": "x*y - 8/3*z + sin(x)"}, initial={"x": 1.0, "y": 1.0, "z": 25.0})
MAP = System(name="Quadratic", kind="map", equations={"x": "1 - 1.4*x**2 + y", "y": "0.3*sin(x)"}, initial={"x": 0.1, "y": 0.1})
SWITCHED = System(name="Switched", equations={"x": "y", "y": "floor(2*sin(t)) - abs(x)"}, initial={"x": 0.1, "y": 0.2})
TARGETS = ("native", "avx2", "sse2") if platform.machine().lower() in ("x86_64", "amd64") else ("native",)

# What a fresh process does: it compiles or finds a kernel; integrating as well, it prints the digest of a trajectory.
SYSTEM = f"""
import hashlib
import attractory
flow = attractory.System(name="Flow", equations={LORENZ!r}, initial={{"x": 1.0, "y": 1.0, "z": 25.0}})
"""
COMPILE = """
from attractory.kernels import Target, flow_kernel
flow_kernel(flow.definition, 12, 8, Target())
"""
INTEGRATE = """
made = attractory.integrate(flow, samples=50, dt=0.1, tolerance=1e-9, initial=[1.0, 1.0, 25.0])
print(hashlib.sha256(made.state.values.tobytes()).hexdigest())
"""


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of this test's own, and nothing compiled in this process."""
    monkeypatch.setenv("ATTRACTORY_CACHE", str(tmp_path))
    forget()
    return tmp_path / "kernels"


def forget() -> None:
    """What a new process would not know."""
    flow_kernel.cache_clear()
    map_kernel.cache_clear()


def states(system: System, target: str = "native") -> bytes:
    """The bytes of a short trajectory, by a kernel that this process does not know yet."""
    forget()
    length = {"samples": 50} if system.kind == "map" else {"samples": 50, "dt": 0.1}
    made = integrate(system, initial=system.initial, tolerance=1e-9, engine=Engine(target=Target(target), lanes=8), **length)
    return bytes(made.state.values.tobytes())


def started(folder: Path, code: str, *, package: Path = PACKAGE) -> subprocess.Popen[str]:
    """A fresh process that runs this code on FLOW, with a cache in this folder."""
    environment = os.environ | {"ATTRACTORY_CACHE": str(folder), "PYTHONPATH": str(package.parent)}
    return subprocess.Popen([sys.executable, "-c", SYSTEM + code], stdout=subprocess.PIPE, text=True, env=environment)


def ended(process: subprocess.Popen[str]) -> str:
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return printed.strip()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("system", [FLOW, OTHER, SWITCHED, MAP], ids=lambda system: system.name)
def test_a_hit_has_the_bits_of_a_compile(kernels: Path, monkeypatch: pytest.MonkeyPatch, system: System, target: str) -> None:
    """With each instruction set, calls of C's library (fma under SSE2) included: compiled, kept and found are one trajectory."""
    kept = states(system, target)
    (file,) = kernels.iterdir()
    os.utime(file, (0, 0))
    assert states(system, target) == kept
    assert file.stat().st_mtime > 0  # it was found: a use sets its time
    monkeypatch.setenv("ATTRACTORY_CACHE", "off")
    assert states(system, target) == kept


def test_a_hit_emits_nothing_and_brings_the_facts(kernels: Path) -> None:
    """What a driver must know beyond the code is kept with it; the second time, nobody asks for the text."""
    asked = []

    def emit(definition: Definition, number: int) -> Module:
        asked.append(number)
        return Module("define void @f(ptr %x) {\n ret void\n}\n", {"rows": number})

    signatures = {"f": ctypes.CFUNCTYPE(None, Pointer)}
    for number in (1, 2, 1, 2):
        code = kept_functions(emit, FLOW.definition, (number,), signatures=signatures, target=Target())
        assert code.facts == {"rows": number}
        code.functions["f"](None)
    assert asked == [1, 2]


def test_processes_at_once_and_later_have_one_kernel(tmp_path: Path) -> None:
    """Two compile into the same empty folder and do not meet; a third finds what is there. All have the same bytes, at other addresses."""
    running = [started(tmp_path, INTEGRATE) for _ in range(2)]
    first, second = (ended(process) for process in running)
    (file,) = (tmp_path / "kernels").iterdir()
    written = file.stat().st_mtime_ns
    assert {first, second} == {ended(started(tmp_path, INTEGRATE))}
    assert [path.stat().st_mtime_ns for path in (tmp_path / "kernels").iterdir()] == [written]


def test_a_reader_sees_whole_files_while_others_write(kernels: Path) -> None:
    """While another process replaces a file again and again by one of another length, each look gives one of the two, or none yet."""
    code = "from pathlib import Path; from attractory.kernels.cache import KernelCache\n"
    code += f"for n in range(600): KernelCache(Path({str(kernels)!r})).keep('a' * 64, 'S', bytes([n % 2]) * (1000 + 90_000 * (n % 2)))"
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as writer:
        seen = set()
        while writer.poll() is None:
            seen.add(KernelCache(kernels).find("a" * 64))
        assert writer.returncode == 0
    assert seen - {None} == {bytes(1000), b"\1" * 91_000}


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place:][1:]


DAMAGES = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[:-100],
    "longer": lambda content: content + b"\0",
    "a bit of the code": lambda content: flipped(content, -2000),
    "a bit of the key": lambda content: flipped(content, 100),
    "a bit of the digest": lambda content: flipped(content, 30),
    "another program's": lambda content: b"\x7fELF" + content,
    "zeros": lambda content: bytes(len(content)),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_file_is_compiled_again_and_replaced(kernels: Path, damage: str) -> None:
    """Silently: the result is right, and the file is whole again."""
    right = states(FLOW)
    (file,) = kernels.iterdir()
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[damage](whole))
    assert states(FLOW) == right
    assert code_of(file) == whole.partition(b"Flow\n")[2]


def code_of(file: Path) -> bytes | None:
    return KernelCache(file.parent).find(file.stem)


def test_a_file_under_another_key_is_not_run(kernels: Path) -> None:
    """Two systems' files swapped by hand: each is compiled again."""
    right = [states(FLOW), states(OTHER)]
    first, second = kernels.iterdir()
    first.rename(kernels / "held")
    second.rename(first)
    (kernels / "held").rename(second)
    assert [code_of(file) for file in (first, second)] == [None, None]
    assert [states(FLOW), states(OTHER)] == right
    assert None not in [code_of(file) for file in (first, second)]


@pytest.mark.parametrize("kind", ["link", "pipe", "open to others", "folder"])
def test_what_is_no_plain_file_of_ours_is_not_run(kernels: Path, kind: str) -> None:
    """A link to a good file, a pipe without an end, a file that others may write, a folder: the kernel is compiled."""
    right = states(FLOW)
    (file,) = kernels.iterdir()
    elsewhere = file.rename(kernels.parent / "elsewhere")
    if kind == "link":
        file.symlink_to(elsewhere)
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        shutil.copy(elsewhere, file)
        file.chmod(0o622)
    assert code_of(file) is None
    assert states(FLOW) == right


def test_a_folder_that_others_may_write_to_is_not_used(kernels: Path) -> None:
    """A new folder is its user's alone; once it is open to others, neither read nor written."""
    right = states(FLOW)
    (file,) = kernels.iterdir()
    assert (kernels.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    kernels.chmod(0o770)
    assert code_of(file) is None
    file.unlink()
    assert states(FLOW) == right
    assert list(kernels.iterdir()) == []


def test_a_strangers_folder_is_not_used(tmp_path: Path) -> None:
    """Machine code that somebody else has put there must not run."""
    KernelCache(tmp_path / "kernels").keep("a" * 64, "Flow", b"code")
    if os.geteuid() == 0:
        os.chown(tmp_path / "kernels", 12345, -1)
        folder = tmp_path / "kernels"
    else:
        folder = Path("/usr")  # root's
    assert KernelCache(folder).find("a" * 64) is None
    with pytest.raises(PermissionError, match="it belongs to user"):
        KernelCache(folder).entries()


@pytest.mark.parametrize("place", ["a file", "/proc/nowhere"])
def test_without_a_place_to_write_there_is_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """A folder that cannot be made costs the cache and nothing else."""
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("ATTRACTORY_CACHE", str(tmp_path / place))
    found = states(FLOW)
    monkeypatch.setenv("ATTRACTORY_CACHE", "off")
    assert states(FLOW) == found


def test_a_full_disk_costs_the_cache_and_nothing_else(tmp_path: Path) -> None:
    """Where a file may hold no more than 64 bytes, the kernel is compiled and no part of a file is left."""
    ended(started(tmp_path, "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))" + COMPILE))
    assert list((tmp_path / "kernels").iterdir()) == []


def copied_package(folder: Path) -> Path:
    """The package in a folder of its own, whose sources a test may edit."""
    return Path(shutil.copytree(PACKAGE, folder / "attractory", ignore=shutil.ignore_patterns("__pycache__")))


def test_an_edit_of_the_sources_is_another_key(tmp_path: Path) -> None:
    """A developer's change to kernels/ is never answered by what was compiled before it."""
    package = copied_package(tmp_path / "copy")
    ended(started(tmp_path, COMPILE, package=package))
    with (package / "kernels" / "taylor.py").open("a") as source:
        source.write("# edited\n")
    ended(started(tmp_path, COMPILE, package=package))
    assert len(list((tmp_path / "kernels").iterdir())) == 2


def test_sources_edited_after_they_were_imported_keep_nothing(tmp_path: Path) -> None:
    """What runs is then not what the disk shows: neither the old key nor the new one may hold it."""
    package = copied_package(tmp_path / "copy")
    edit = f"import attractory.kernels; open({str(package / 'kernels' / 'taylor.py')!r}, 'a').write('# edited')"
    ended(started(tmp_path, edit + COMPILE, package=package))
    assert not (tmp_path / "kernels").exists()


def test_the_key_is_all_that_decides_the_code_and_nothing_else() -> None:
    """Method, processor, functions and graph change it; names, parameter values and initial states do not."""
    given = {"processor": ("znver4", "+fma"), "functions": ("a", "b")}

    def key(system: System, method: str = "flow, order 12, 8 lanes", **changed: object) -> str:
        return kernel_key(system.definition, method, **(given | changed))  # type: ignore[arg-type]

    renamed = System(name="Renamed", equations=LORENZ, initial={"x": 2.0, "y": 1.0, "z": 2.0})
    assert key(renamed) == key(FLOW)
    assert key(FLOW, functions=("b", "a")) == key(FLOW)
    changes = [
        key(OTHER),
        key(FLOW, "flow, order 13, 8 lanes"),
        key(FLOW, "flow, order 12, 4 lanes"),
        key(FLOW, processor=("znver4", "-fma")),
        key(FLOW, processor=("haswell", "+fma")),
        key(FLOW, functions=("a",)),
    ]
    assert len({key(FLOW), *changes}) == 1 + len(changes)


def test_signed_zeros_have_keys_of_their_own() -> None:
    """1/x tells them apart, so a key must."""
    plus, minus = (System(name="Z", equations={"x": f"x/(t + {zero})"}, initial={"x": 1.0}) for zero in ("0.0", "(-0.0)"))
    keys = {kernel_key(system.definition, "flow", processor=("", ""), functions=()) for system in (plus, minus)}
    assert len(keys) == 2


def test_the_least_recently_used_is_dropped_first(tmp_path: Path) -> None:
    """Beyond its limit the cache loses what nobody asked for longest; what a dead process left half written goes after an hour."""
    kept = KernelCache(tmp_path / "kernels", limit_bytes=4000)
    for age, key in enumerate(("a0", "b0", "c0")):
        kept.keep(key, "S", bytes(1000))
        os.utime(tmp_path / "kernels" / f"{key}.kernel", (1000 + age, 1000 + age))
    (tmp_path / "kernels" / "d.kernel.0.partial").touch()
    os.utime(tmp_path / "kernels" / "d.kernel.0.partial", (1000, 1000))
    assert kept.find("a0") is not None  # used now, so b is the oldest
    kept.keep("d1", "S", bytes(1000))  # does not look
    kept.keep("d0", "S", b"")
    assert sorted(path.name for path in (tmp_path / "kernels").iterdir()) == ["a0.kernel", "c0.kernel", "d0.kernel", "d1.kernel"]


def test_the_folder_is_the_users_unless_the_environment_names_another() -> None:
    """The order of the XDG specification, which ignores a relative path; ours refuses one."""
    home = Path.home() / ".cache" / "attractory" / "kernels"
    assert cache_folder({}) == home
    assert cache_folder({"XDG_CACHE_HOME": "/big", "ATTRACTORY_CACHE": ""}) == Path("/big/attractory/kernels")
    assert cache_folder({"XDG_CACHE_HOME": "big"}) == home
    assert cache_folder({"XDG_CACHE_HOME": "/big", "ATTRACTORY_CACHE": "/mine"}) == Path("/mine/kernels")
    assert cache_folder({"ATTRACTORY_CACHE": "off"}) is None
    with pytest.raises(RequestError, match="ATTRACTORY_CACHE is 'mine'; expected an absolute path, or 'off'"):
        cache_folder({"ATTRACTORY_CACHE": "mine"})
