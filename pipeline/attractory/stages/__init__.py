"""The stages: what the commands of the command line do. Each is one function; only these and `cli` know Dask.

    generate(recipe)     a finished store; goes on where an interrupted run stopped (generate.py)
    verify(store)        every file against its digest, and repair (verify.py)
    validate(store)      do the numbers hold what the dataset says (validate/)
    certify(store)       until when trajectories are the true solution (certify/)
    publish(store)       a versioned folder (publish/)
    lock(recipe)         what a build depends on, in one file (lock.py)
    info(store)          a store on one screen (info.py)
    page(system)         a system on one page (show.py), with a picture of its trajectory (picture.py)

Nothing is imported here, so that a command loads what it needs and no more.
"""
