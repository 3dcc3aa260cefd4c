"""Workers as jobs of a batch system, through dask-jobqueue."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attractory.errors import MissingExtraError, RequestError
from attractory.stages.clusters.description import JobCluster
from attractory.stages.clusters.resubmission import resubmitted_jobs
from attractory.stages.clusters.waiting import Patience, await_workers

_CLASSES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "oar": "OARCluster",
    "moab": "MoabCluster",
}
# What dask-jobqueue calls the account of each.
_ACCOUNTS = {"slurm": "account", "pbs": "account", "moab": "account", "sge": "project", "lsf": "project", "oar": "project"}
# Dask asks for as many workers as empty the queue in this time. The queue is two blocks a worker, so that a short time asks for twice the
# workers as long as there are blocks for them, up to the maximum.
TARGET_SECONDS = "100ms"
_HINT = "Jobs may wait in the queue; those that ended at once say why in their output, see log_directory. The key wait_hours or"


@contextmanager
def job_client(cluster: JobCluster, patience: Patience) -> Iterator[Any]:
    """A client whose workers are jobs; the first of them is up. The jobs end with it.

    Raises:
        MissingExtraError: dask-jobqueue is not installed.
        RequestError: jobs cannot be submitted here, or one is refused.
        InterruptedRunError: none begins in time.
    """
    from distributed import Client

    with job_cluster(cluster) as launched:
        _submit(cluster, launched)
        with Client(launched) as client, resubmitted_jobs(launched):  # type: ignore[no-untyped-call]
            await_workers(client, patience, hint=_HINT)
            yield client


def job_cluster(cluster: JobCluster) -> Any:
    """The cluster of dask-jobqueue, with its scheduler and no job yet."""
    try:
        import dask_jobqueue
    except ModuleNotFoundError as missing:
        what = f"A cluster of kind {cluster.kind}"
        raise MissingExtraError(what, "dask-jobqueue", extra="cluster") from missing

    kind = getattr(dask_jobqueue, _CLASSES[cluster.kind])
    command = kind.job_cls.submit_command.split()[0]
    if shutil.which(command) is None:
        message = f"kind: {cluster.kind}: there is no command {command!r} here. Run this where jobs are submitted, as on a login node."
        raise RequestError(message)
    return kind(**_arguments(cluster))


def _arguments(cluster: JobCluster) -> dict[str, Any]:
    """As dask-jobqueue calls them. One process a core, one thread each: a block takes one core."""
    optional = {
        "walltime": cluster.walltime,
        "queue": cluster.queue or cluster.partition,
        _ACCOUNTS[cluster.kind]: cluster.account,
        "interface": cluster.interface,
        "local_directory": cluster.local_directory,
        "log_directory": cluster.log_directory,
        "python": cluster.python,
        "job_extra_directives": list(cluster.extra),
        "job_script_prologue": list(cluster.prologue),
        "worker_extra_args": list(cluster.worker_arguments),
    }
    return {
        "cores": cluster.cores,
        "processes": cluster.cores,
        "memory": cluster.memory,
        "job_name": "attractory",
        "scheduler_options": {"dashboard_address": "127.0.0.1:0"},  # its default listens to the whole network
        **{name: value for name, value in optional.items() if value},  # what is left out is for dask-jobqueue's own configuration
    }


def _submit(cluster: JobCluster, launched: Any) -> None:
    try:
        for _ in range(cluster.job_count):
            launched.worker_spec.update(launched.new_worker_spec())
        launched.sync(launched._correct_state)  # scale() leaves this to another thread, where a refusal is not heard
    except (RuntimeError, OSError, ValueError) as error:
        message = f"kind: {cluster.kind}: a job was refused. {' '.join(str(error).split())}"
        raise RequestError(message) from error
    if cluster.adaptive is not None:
        launched.adapt(minimum_jobs=cluster.adaptive.minimum, maximum_jobs=cluster.adaptive.maximum, target_duration=TARGET_SECONDS)
