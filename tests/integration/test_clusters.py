"""One recipe through every kind of cluster: the same bytes, manifest included."""

from __future__ import annotations

import subprocess
import sys

import pytest

JOBS = "kind: slurm\ncores: 1\nmemory: 1GB\nwalltime: '00:10:00'\npartition: small\ninterface: lo\nlog_directory: logs\n"


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
