"""Where blocks run. A cluster file says which kind; each kind is one small file that gives a Dask client whose workers are up.

    read_cluster(path)   the record in a cluster file, every key looked at (description.py, reading.py)
    workers_of(path)     what `--cluster FILE` means; under mpirun, the parting of the ranks (opening.py)
    local_client         processes of this machine (local.py)
    running_client       a scheduler that runs already, by address or scheduler file (running.py)
    AnyWorker            tasks whose worker is gone go to whoever comes (any_worker.py)
    job_client           jobs of SLURM, PBS, SGE, LSF, OAR or Moab, through dask-jobqueue (jobs.py, resubmission.py)
    parted_ranks         the ranks of one MPI run, through dask-mpi (mpi.py)

Nothing is imported here, so that a run loads what it needs and no more.
"""
