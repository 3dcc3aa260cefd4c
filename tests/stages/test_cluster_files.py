"""What a cluster file may say, and what is said about one that is wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from attractory.errors import InterruptedRunError, MissingExtraError, RequestError
from attractory.stages.blocks_on_dask import addresses
from attractory.stages.cluster import Workers, run_each, running_client, workers_of
from attractory.stages.clusters.any_worker import AnyWorker
from attractory.stages.clusters.description import Adaptive, JobCluster, LocalCluster, MpiCluster, RunningCluster
from attractory.stages.clusters.jobs import job_client
from attractory.stages.clusters.reading import read_cluster
from attractory.stages.clusters.resubmission import LOST_SECONDS, JobWatch
from attractory.stages.clusters.waiting import Absence, Patience

PAGE = Path(__file__).parents[2] / "docs" / "clusters.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
SLURM = "kind: slurm\njobs: 2\nmemory: 1GB\n"


def written(folder, text):
    (folder / "cluster.yaml").write_text(text)
    return folder / "cluster.yaml"


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text.split()[1])
def test_every_example_of_the_page_is_a_cluster(tmp_path, text):
    """What a reader copies is accepted."""
    assert read_cluster(written(tmp_path, text)).kind == text.split()[1]


def test_the_page_shows_every_shape():
    """One example of each record."""
    assert {text.split()[1] for text in EXAMPLES} == {"slurm", "mpi", "address", "local"}


def test_every_key_of_jobs_stands_on_the_page():
    """A key that is not documented is not there for anyone."""
    rows = re.findall(r"^\| (.*?) \|", PAGE.read_text(), flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(JobCluster.model_fields) - {"kind"} == named


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jobs: 2\n", r"cluster.yaml:1: kind: the key is missing. Expected one of local, address, mpi, slurm"),
        ("kind: slrum\n", r"cluster.yaml:1: kind: found 'slrum', expected one of .*Did you mean 'slurm'\?"),
        ("kind: [slurm]\n", r"cluster.yaml:1: kind: found \['slurm'\], expected one of"),
        ("- slurm\n", r"cluster.yaml:1: found no keys"),
        (SLURM + "memroy: 2GB\n", r"cluster.yaml:4: memroy: is not a key of this kind of cluster. Did you mean 'memory'\?"),
        ("kind: slurm\njobs: 2\n", r"cluster.yaml:1: memory: the key is missing."),
        (SLURM + "workers: 3\n", r"found jobs and workers, expected exactly one of jobs, workers and adaptive."),
        ("kind: slurm\nmemory: 1GB\n", r"found none, expected exactly one of jobs, workers and adaptive."),
        (SLURM + "queue: a\npartition: b\n", r"found queue and partition, which are two names of one thing"),
        (SLURM + "walltime: forever\n", r"cluster.yaml:4: walltime: found 'forever', expected hours:minutes:seconds in quotes"),
        (SLURM + "walltime: 30\n", r"cluster.yaml:4: walltime: found 30, expected a valid string"),
        (SLURM.replace("1GB", "1000"), r"cluster.yaml:3: memory: found 1000, expected a valid string"),
        (SLURM.replace("1GB", "much"), r"cluster.yaml:3: memory: found 'much', expected a size with its unit"),
        (SLURM.replace("2", "0"), r"cluster.yaml:2: jobs: found 0, expected greater than or equal to 1"),
        (SLURM + "queue: 'a; rm -rf b'\n", r"cluster.yaml:4: queue: found 'a; rm -rf b', expected letters, digits"),
        (SLURM + "local_directory: $(reboot)\n", r"cluster.yaml:4: local_directory: found .*expected letters, digits"),
        (SLURM + 'extra: ["a\\nb"]\n', r"cluster.yaml:4: extra.0: found 'a\\nb', expected a text of one line"),
        (SLURM.replace("jobs: 2", "adaptive: {minimum: 3, maximum: 2}"), r"cluster.yaml:2: adaptive: .*maximum that is not below"),
        (SLURM.replace("jobs: 2", "adaptive: {most: 2}"), r"cluster.yaml:2: adaptive.most: is not a key"),
        ("kind: address\naddress: somewhere\n", r"cluster.yaml:2: address: found 'somewhere', expected a scheduler's address"),
        ("kind: local\nworkers: two\n", r"cluster.yaml:2: workers: found 'two', expected a valid integer"),
        ("kind: mpi\nranks: 4\n", r"cluster.yaml:2: ranks: is not a key of this kind of cluster."),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, message):
    """File, line and key, what was found and what was expected; before anything runs."""
    with pytest.raises(RequestError, match=message):
        workers_of(written(tmp_path, text))


def test_jobs_are_counted_in_three_ways(tmp_path):
    """Jobs, workers in as many jobs as they need, or a range that begins with its least."""
    assert read_cluster(written(tmp_path, SLURM)).job_count == 2
    assert read_cluster(written(tmp_path, "kind: pbs\nworkers: 9\ncores: 4\nmemory: 8GB\n")).job_count == 3
    found = read_cluster(written(tmp_path, "kind: lsf\nadaptive: {minimum: 2, maximum: 5}\nmemory: 8GB\n"))
    assert (found.job_count, found.adaptive) == (2, Adaptive(minimum=2, maximum=5))


def test_a_file_says_where_to_run(tmp_path):
    """A scheduler file is told by what is in it, whatever its name; `kind: local` is --workers."""
    scheduler = written(tmp_path, json.dumps({"type": "Scheduler", "address": "tcp://10.0.0.7:8786", "workers": {}}))
    assert workers_of(scheduler) == Workers(1, scheduler)
    assert workers_of(written(tmp_path, "{kind: local, workers: 3}")) == Workers(3)
    running = RunningCluster(kind="address", address="tcp://10.0.0.7:8786")
    assert workers_of(written(tmp_path, "{kind: address, address: tcp://10.0.0.7:8786}")) == Workers(1, cluster=running)
    with pytest.raises(RequestError, match=r"none.yaml: cannot be read: No such file"):
        workers_of(tmp_path / "none.yaml")


def test_only_processes_started_here_are_local():
    """What needs no cluster for a single task asks this."""
    assert Workers(2).are_local
    assert Workers(1, cluster=LocalCluster(kind="local", workers=1)).are_local
    assert not Workers(1, Path("scheduler.json")).are_local
    assert not Workers(1, cluster=RunningCluster(kind="address", address="tcp://a:1")).are_local


def test_a_scheduler_is_found_by_its_address():
    """The client is connected, and its worker is there."""
    from distributed import LocalCluster as DaskCluster

    with DaskCluster(n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0") as cluster:
        described = RunningCluster(kind="address", address=cluster.scheduler_address)
        with running_client(Workers(1, cluster=described)) as client:
            assert client.submit(sum, [1, 2]).result() == 3


def test_ranks_that_were_not_parted_are_refused():
    """From Python, the ranks of an MPI run are parted by the script itself; the message says how."""
    with (
        pytest.raises(RequestError, match=r"the ranks were not parted.*dask_mpi.initialize"),
        running_client(Workers(1, cluster=MpiCluster(kind="mpi"))),
    ):
        pass


def test_mpi_without_mpirun_is_refused(tmp_path):
    """One process is no MPI run, with an MPI library or without; what to type is said, and nothing is begun."""
    pytest.importorskip("dask_mpi")
    code = "import sys; from attractory.stages.cluster import workers_of; workers_of(sys.argv[1])"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(written(tmp_path, "kind: mpi\n"))], capture_output=True, text=True, timeout=100, check=False
    )
    assert ran.returncode == 1
    assert re.search(r"RequestError: kind: mpi: (found a run of 1, expected at least 2 ranks|mpi4py finds no MPI library)", ran.stderr)


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    """Without dask-jobqueue or dask-mpi, the message says what to install."""
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    monkeypatch.setitem(sys.modules, "dask_mpi", None)
    with (
        pytest.raises(MissingExtraError, match=r"'dask-jobqueue'.*attractory\[cluster\]"),
        job_client(read_cluster(written(tmp_path, SLURM)), Patience()),
    ):
        pass
    with pytest.raises(MissingExtraError, match=r"'dask-mpi'.*attractory\[cluster\]"):
        workers_of(written(tmp_path, "kind: mpi\n"))


def test_absence_is_said_ever_more_rarely_and_ends():
    """After half a minute, one, two, four; a worker that comes begins it anew; after so long as is allowed it is over."""
    said = []
    absence = Absence(Patience(300.0, said.append), now=0.0)
    assert not any(absence.seen(0, float(now)) for now in range(0, 299, 2))
    assert [sentence.partition(";")[0] for sentence in said] == [f"no worker for {spoken}" for spoken in ("30 s", "60 s", "2 min", "4 min")]
    assert said[0].endswith("; the run ends after 5 min without one")
    assert not absence.seen(1, 298.0)
    assert not absence.seen(0, 597.0)
    assert absence.seen(0, 598.0)
    assert len(said) == 5


def test_a_cluster_without_workers_ends_the_run():
    """None comes, or the last one goes while something waits for one: exit code 3, and what to do."""
    from distributed import LocalCluster as DaskCluster

    def run(before):
        with running_client(workers) as client:
            before()
            return list(run_each(client, sum, {"one": [1, 2]}))

    with DaskCluster(n_workers=0, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0") as cluster:
        described = RunningCluster(kind="address", address=cluster.scheduler_address)
        workers = Workers(1, cluster=described, wait_seconds=1.0)
        with pytest.raises(InterruptedRunError, match=r"no worker has come within 1 s. Start some with: dask worker tcp.*--wait-workers"):
            run(lambda: None)
        cluster.scale(1)
        assert run(lambda: None) == [("one", 3)]
        with pytest.raises(InterruptedRunError, match=r"all workers are gone, and none has come for 1 s \(--wait-workers\)") as raised:
            run(lambda: cluster.scale(0))
    assert raised.value.exit_code == 3


def test_a_cluster_whose_scheduler_ends_ends_the_run():
    """What was asked for is given up at once, in place of being waited for; and so is a scheduler that answers no more."""
    from distributed import LocalCluster as DaskCluster

    class Unreachable:
        def scheduler_info(self, **asked):
            raise OSError("Timed out trying to connect")

    with pytest.raises(InterruptedRunError, match="the scheduler has ended, or cannot be reached"):
        addresses(Unreachable())
    with DaskCluster(n_workers=0, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0") as cluster:
        described = RunningCluster(kind="address", address=cluster.scheduler_address)
        cluster.scale(1)
        with pytest.raises(InterruptedRunError, match="the scheduler has ended, or cannot be reached"):
            ended(cluster, Workers(1, cluster=described))


def ended(cluster, workers):
    """What becomes of something that waits for a worker when the scheduler ends."""
    with running_client(workers) as client:
        cluster.scale(0)
        while client.scheduler_info()["workers"]:
            time.sleep(0.01)
        threading.Timer(0.3, cluster.close).start()
        list(run_each(client, sum, {"one": [1, 2]}))


def test_a_worker_that_ends_while_it_starts_can_be_gone_on_from(monkeypatch):
    """Dask says only that it could not; exit code 3, and what to do."""

    def fails(**asked):
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr("distributed.LocalCluster", fails)
    with (
        pytest.raises(InterruptedRunError, match=r"a worker process ended while it started.*--workers takes fewer"),
        running_client(Workers(1)),
    ):
        pass


def test_a_block_whose_worker_is_gone_goes_to_whoever_comes():
    """Also where for a while there was no worker at all: it was to run on the first, and runs on the second."""
    from distributed import Client
    from distributed import LocalCluster as DaskCluster

    with (
        DaskCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        client.register_plugin(AnyWorker())
        (address,) = client.scheduler_info()["workers"]
        cluster.scale(0)
        while client.scheduler_info()["workers"]:
            time.sleep(0.01)
        block = client.submit(sum, [1, 2], workers=[address], allow_other_workers=True)
        cluster.scale(1)
        assert block.result(timeout=100) == 3


def test_a_block_is_not_lost_to_a_worker_that_is_there_and_does_not_run_yet():
    """A worker registers before it runs: what was meant for one that is gone, and came in between, runs on it all the same."""
    from distributed import Client, Status
    from distributed import LocalCluster as DaskCluster

    def become(status, dask_worker):
        dask_worker.status = Status[status]

    with (
        DaskCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        client.register_plugin(AnyWorker())
        client.run(become, "paused")
        while cluster.scheduler.running:
            time.sleep(0.01)
        block = client.submit(sum, [1, 2], workers=["inproc://10.0.0.7/1/1"], allow_other_workers=True)
        while not cluster.scheduler.unrunnable:
            time.sleep(0.01)
        client.run(become, "running")
        assert block.result(timeout=100) == 3


def test_a_job_is_lost_when_it_has_worked_and_has_no_worker_for_a_while():
    """One that waits in the queue is not lost, nor one whose worker starts anew; one that is lost is said once, to be submitted again."""
    watch, jobs = JobWatch(), {"job-0", "job-1", "job-2"}
    assert watch.lost(jobs, {"job-0-0", "job-0-1", "job-1"}, now=0.0) == set()  # two workers, a single one, and none yet
    assert watch.lost(jobs, {"job-1"}, now=LOST_SECONDS) == set()
    assert watch.lost(jobs, {"job-1"}, now=LOST_SECONDS + 1) == {"job-0"}
    assert watch.lost(jobs, {"job-1"}, now=LOST_SECONDS + 2) == set()
