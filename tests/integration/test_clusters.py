"""One recipe through every kind of cluster: the same bytes, manifest included."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

JOBS = "kind: slurm\ncores: 1\nmemory: 1GB\nwalltime: '00:10:00'\npartition: small\ninterface: lo\nlog_directory: logs\n"


ARRAY = """#!/bin/bash
#SBATCH --array=1-3
#SBATCH --ntasks=1
#SBATCH --partition=small
#SBATCH --output=slice-%a.log
exec '{python}' -c 'from attractory.console import main; main()' generate . --array "$SLURM_ARRAY_TASK_ID/3"
"""
# So long a transient that each block of the flow takes a second or so: there is a middle to end a job in.
LONG = "transient: {periods: 100000}\n"


def described(place, text):
    (place / "cluster.yaml").write_text(text)
    return place


def submitted(place):
    """How many jobs there have been: each has a log of its own."""
    return len(list((place / "logs").glob("*.out")))


def test_two_local_workers(place, made, expected):
    """What all are compared with does not depend on the number of workers."""
    assert made(place, "--workers", "2") == expected


def test_jobs_of_slurm(place, made, expected, slurm):
    """Two jobs of two workers each, through dask-jobqueue; when the run is over, so are the jobs."""
    described(place, JOBS.replace("cores: 1", "cores: 2") + "workers: 4\n")
    assert made(place, "--cluster", "cluster.yaml", environment=slurm.environment) == expected
    assert submitted(place) == 2
    slurm.wait_until_empty(seconds=20)


def test_an_array_of_slices(place, digests, expected, slurm):
    """Three tasks of one array job, each a slice without any scheduler of Dask: whichever ends last finishes the store."""
    (place / "array.sh").write_text(ARRAY.format(python=sys.executable))
    command = ["sbatch", "--wait", "array.sh"]
    done = subprocess.run(command, cwd=place, env=slurm.environment, capture_output=True, text=True, timeout=300, check=False)
    said = "".join(path.read_text() for path in sorted(place.glob("slice-*.log")))
    assert done.returncode == 0, f"{done.stderr}{said}"
    assert said.count("made 6, kept 0 of 6 blocks") == 3
    assert digests(place / "tiny.zarr") == expected


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


@pytest.mark.parametrize("ranks", [3, 4])
def test_ranks_of_mpi(place, made, expected, mpiexec, ranks):
    """A scheduler, the command, and one or two workers."""
    described(place, "kind: mpi\ninterface: lo\n")
    assert made(place, "--cluster", "cluster.yaml", before=(mpiexec, "-n", str(ranks))) == expected


def test_too_few_ranks(place, mpiexec):
    """Two ranks leave none to work: refused, before anything is written."""
    described(place, "kind: mpi\n")
    command = [mpiexec, "-n", "2", sys.executable, "-c", "from attractory.console import main; main()", "generate", ".", "--cluster"]
    done = subprocess.run([*command, "cluster.yaml"], cwd=place, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "found a run of 2, expected at least 3 ranks" in done.stderr
    assert not (place / "tiny.zarr").exists()
