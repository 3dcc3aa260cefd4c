"""From what `--cluster FILE` names to a client whose workers are up."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from attractory.errors import RequestError
from attractory.stages.clusters.description import Cluster, JobCluster, LocalCluster, RunningCluster
from attractory.stages.clusters.jobs import job_client
from attractory.stages.clusters.local import local_client
from attractory.stages.clusters.mpi import START
from attractory.stages.clusters.running import address_client
from attractory.stages.clusters.waiting import Patience


def cluster_client(cluster: Cluster, patience: Patience) -> AbstractContextManager[Any]:
    """A client of the cluster described.

    Raises:
        RequestError: a cluster of ranks, which the command line has to part before it begins.
    """
    match cluster:
        case LocalCluster():
            return local_client(cluster.workers)
        case RunningCluster():
            return address_client(cluster.address, patience)
        case JobCluster():
            return job_client(cluster, patience)
        case _:
            message = f"kind: mpi: the ranks were not parted. {START}; a script of your own calls dask_mpi.initialize() first."
            raise RequestError(message)
