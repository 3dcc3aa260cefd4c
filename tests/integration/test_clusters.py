"""One recipe through every kind of cluster: the same bytes, manifest included."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import time

import pytest

JOBS = "kind: slurm\ncores: 1\nmemory: 1GB\nwalltime: '00:10:00'\npartition: small\ninterface: lo\nlog_directory: logs\n"


ARRAY = """#!/bin/bash
#SBATCH --array=1-{count}
#SBATCH --ntasks=1
#SBATCH --partition=small
#SBATCH --output=slice-%a.log
exec '{python}' -c 'from attractory.console import main; main()' generate . --array "$SLURM_ARRAY_TASK_ID/{count}"
"""
# So long a transient that each block of the flow takes a second or so: there is a middle to end a job in.
LONG = "transient: {periods: 100000}\n"


def described(place, text):
    (place / "cluster.yaml").write_text(text)
    return place


def submitted(place):
    """How many jobs there have been: each has a log of its own."""
    return len(list((place / "logs").glob("*.out")))


def test_every_way_makes_the_same_store(tmp_path, recipe_text, made, digests, expected, slurm, mpiexec, capsys):
    """One and two local workers, jobs of a real SLURM, two ranks of MPI and seven slices of an array job: every file is equal. A table says
    so, with the SHA-256 over all files of each."""
    mpi, jobs = "kind: mpi\ninterface: lo\n", JOBS.replace("cores: 1", "cores: 2") + "workers: 2\n"
    ways = {
        "LocalCluster, 1 worker": lambda place: expected,
        "LocalCluster, 2 workers": lambda place: made(place, "--workers", "2"),
        "SLURM, 2 workers": lambda place: made(described(place, jobs), "--cluster", "cluster.yaml", environment=slurm.environment),
        "MPI, 2 ranks": lambda place: made(described(place, mpi), "--cluster", "cluster.yaml", before=(mpiexec, "-n", "2")),
        "SLURM array, 7 slices": lambda place: array_of_slices(place, digests, slurm, count=7),
    }
    stores = {}
    for number, (way, make) in enumerate(ways.items()):
        place = tmp_path / f"way-{number}"
        place.mkdir()
        (place / "recipe.yaml").write_text(recipe_text)
        stores[way] = make(place)
    with capsys.disabled():
        print_table(stores)
    assert {way for way, store in stores.items() if store != expected} == set()


def print_table(stores):
    """A row for each way: how many files the store has, and one digest of them all."""
    sys.stdout.write(f"\n{'way':<24} files  SHA-256 of all files\n")
    for way, store in stores.items():
        whole = hashlib.sha256("".join(f"{digest}  {path}\n" for path, digest in sorted(store.items())).encode()).hexdigest()
        sys.stdout.write(f"{way:<24} {len(store):>5}  {whole}\n")


def array_of_slices(place, digests, slurm, *, count):
    """The digests of the store that an array job makes, each task of which is a slice without any scheduler of Dask."""
    (place / "array.sh").write_text(ARRAY.format(python=sys.executable, count=count))
    command = ["sbatch", "--wait", "array.sh"]
    done = subprocess.run(command, cwd=place, env=slurm.environment, capture_output=True, text=True, timeout=300, check=False)
    said = "".join(path.read_text() for path in sorted(place.glob("slice-*.log")))
    assert done.returncode == 0, f"{done.stderr}{said}"
    assert len(re.findall(r"slice \d/7: made [23], kept 0 of [23] blocks", said)) == count, said
    return digests(place / "tiny.zarr")


def test_jobs_of_slurm(place, made, expected, slurm):
    """Two jobs of two workers each, through dask-jobqueue; when the run is over, so are the jobs."""
    described(place, JOBS.replace("cores: 1", "cores: 2") + "workers: 4\n")
    assert made(place, "--cluster", "cluster.yaml", environment=slurm.environment) == expected
    assert submitted(place) == 2
    slurm.wait_until_empty(seconds=20)


def test_a_job_that_ends_early_is_submitted_again(place, made, begun, digests, slurm):
    """SIGTERM to the only job, as preemption and time limits send it: another takes its place, and every byte is the same."""
    with (place / "recipe.yaml").open("a") as recipe:
        recipe.write(LONG)
    described(place, JOBS + "jobs: 1\n")
    run = begun(place, "--cluster", "cluster.yaml", environment=slurm.environment)
    rows = place / "tiny.zarr" / ".attractory-run" / "rows"
    deadline = time.monotonic() + 120
    while len(list(rows.glob("Lorenz-*"))) < 1 and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    slurm.run("scancel", "--name=attractory")
    output, _ = run.communicate(timeout=200)
    assert run.returncode == 0, output
    assert submitted(place) == 2
    disturbed = digests(place / "tiny.zarr")
    (place / "tiny.zarr").rename(place / "disturbed.zarr")
    assert made(place, "--workers", "2") == disturbed


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_ranks_of_mpi(place, made, expected, mpiexec, ranks):
    """A scheduler and the command, of two ranks in one, and one or two workers."""
    described(place, "kind: mpi\ninterface: lo\n")
    assert made(place, "--cluster", "cluster.yaml", before=(mpiexec, "-n", str(ranks))) == expected


def test_too_few_ranks(place, mpiexec):
    """One rank leaves none to work: refused, before anything is written."""
    described(place, "kind: mpi\n")
    command = [mpiexec, "-n", "1", sys.executable, "-c", "from attractory.console import main; main()", "generate", ".", "--cluster"]
    done = subprocess.run([*command, "cluster.yaml"], cwd=place, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "found a run of 1, expected at least 2 ranks" in done.stderr
    assert not (place / "tiny.zarr").exists()
