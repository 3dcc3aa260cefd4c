"""The ranks of one MPI run as a cluster: rank 0 is the scheduler, rank 1 goes on with the command, the others are workers.

Of two ranks, the first is the scheduler and goes on with the command too.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from attractory.errors import MissingExtraError, RequestError
from attractory.stages.clusters.description import MpiCluster

LEAST = 2
START = "Start it with: mpiexec -n 4 attractory generate RECIPE --cluster FILE"


def parted_ranks(cluster: MpiCluster) -> str:
    """The scheduler's address, on the rank that goes on; every other one serves until that ends, and leaves the process from here with exit
    code 0.

    To be called before anything is written: until then all ranks do the same.

    Raises:
        MissingExtraError: dask-mpi is not installed.
        RequestError: there is no MPI library, or there are too few ranks.
    """
    import dask
    import distributed  # sets up its logging, which is turned down below

    ranks = _world_size()
    if ranks < LEAST:
        message = f"kind: mpi: found a run of {ranks}, expected at least {LEAST} ranks: the command, and workers. {START}"
        raise RequestError(message)
    logging.getLogger(distributed.__name__).setLevel(logging.ERROR)
    if ranks == LEAST:
        return _pair(cluster)
    _dask_mpi().initialize(
        interface=cluster.interface,
        nthreads=1,
        local_directory=cluster.local_directory,
        memory_limit=0,
        dashboard_address="127.0.0.1:0",  # its default listens to the whole network
        exit=True,
    )
    return str(dask.config.get("scheduler_address"))


def _pair(cluster: MpiCluster) -> str:
    """As `parted_ranks`, of two ranks, which dask-mpi does not part."""
    import atexit

    from distributed import LocalCluster
    from mpi4py import MPI

    if MPI.COMM_WORLD.Get_rank():
        asyncio.run(_serve(MPI.COMM_WORLD.bcast(None, root=0), cluster))
        sys.exit()
    place = {"interface": cluster.interface} if cluster.interface else {}
    running = LocalCluster(n_workers=0, protocol="tcp", dashboard_address="127.0.0.1:0", **place)  # type: ignore[no-untyped-call]
    atexit.register(running.close)
    return str(MPI.COMM_WORLD.bcast(running.scheduler_address, root=0))


async def _serve(address: str, cluster: MpiCluster) -> None:
    """Work until the scheduler ends."""
    from distributed import Worker

    async with Worker(address, nthreads=1, interface=cluster.interface, local_directory=cluster.local_directory, memory_limit=0) as worker:
        await worker.finished()


def _world_size() -> int:
    _dask_mpi()
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        found = str(error).partition("\n")[0]
        message = (
            f"kind: mpi: mpi4py finds no MPI library ({found}). Load your site's MPI module, name the library in MPI4PY_LIBMPI, "
            "or: pip install mpich"
        )
        raise RequestError(message) from error
    return int(MPI.COMM_WORLD.Get_size())


def _dask_mpi() -> Any:
    try:
        import dask_mpi
    except ModuleNotFoundError as missing:
        raise MissingExtraError("A cluster of kind mpi", "dask-mpi", extra="cluster") from missing
    return dask_mpi
