"""Other readers of the same trajectories: each writes its own store once and gives an endless iterator of batches (256, 512, 3)."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measure import Case

BATCH, WINDOW, TRAJECTORIES, SAMPLES = 256, 512, 1000, 4096
STARTS = SAMPLES - WINDOW + 1
TRAJECTORY, SHARD = (1, SAMPLES, 3), (100, SAMPLES, 3)  # chunk shapes (trajectory, time, variable)
COMPRESSED = (
    "tensorstore, sharded, lz4",
    "tensorstore, sharded, lz4, 256 MB cache",
    "h5py, gzip, a chunk a trajectory",
    "zarr-python, sharded, lz4",
)

os.environ.update(HF_DATASETS_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
warnings.filterwarnings("ignore")


def case(name: str, make: Callable[[], Iterator[Any]], count: int) -> Case:
    """A case that draws `count` batches of an endless iterator a run, and adds their numbers up."""

    def prepare() -> Callable[[], None]:
        batches = make()
        first = np.asarray(next(batches))
        if first.shape != (BATCH, WINDOW, 3) or first.dtype != np.float32:
            message = f"a batch of {first.dtype} {first.shape}"
            raise ValueError(message)

        def run() -> None:
            for batch in itertools.islice(batches, count):
                batch.sum()

        return run

    return Case(name, prepare, count * BATCH)


def that_run(cases: Sequence[Case], only: str, always: str) -> tuple[list[Case], dict[str, str]]:
    """The cases that were asked for, prepared, and why others cannot be: a peer that fails must not end the comparison."""
    ready: list[Case] = []
    failed: dict[str, str] = {}
    for one in cases:
        if only and one.name != always and not any(part in one.name for part in only.split(",")):
            continue
        try:
            run = one.prepare()
        except Exception as error:  # noqa: BLE001 - whatever a peer raises
            failed[one.name] = f"{type(error).__name__}: {str(error).splitlines()[0][:100] if str(error) else ''}"
        else:
            ready.append(Case(one.name, lambda run=run: run, one.work))
    return ready, failed


def cases(folder: Path, *, quick: bool) -> list[Case]:
    """Each peer, with the number of batches that last a tenth of a second or more."""
    readers: list[tuple[str, Callable[[Path], Iterator[Any]], int]] = [
        ("memmap, one gather a batch: the ceiling", gather, 400),
        ("memmap, torch DataLoader", dataloader, 50),
        ("memmap, grain MapDataset", grain, 20),
        ("h5py, contiguous", partial(hdf5, name="plain.h5"), 20),
        ("h5py, gzip, a chunk a trajectory", partial(hdf5, name="gzip.h5", chunks=TRAJECTORY, compression="gzip", shuffle=True), 2),
        ("The Well, WellDataset over HDF5", the_well, 1),
        ("HF datasets, Arrow, a row a window (cut)", arrow, 5),
        ("webdataset, a sample a window, shuffle 1000 (cut, buffer)", webdataset, 8),
        ("zarr-python, sharded, lz4", zarr_windows, 1),
        ("xbatcher, torch MapDataset", xbatcher, 1),
        ("tensorstore, sharded, lz4", tensorstore, 5),
        ("tensorstore, sharded, lz4, 256 MB cache", partial(tensorstore, cache=1 << 28), 10),
    ]
    return [case(name, partial(make, folder), 1 if quick else count) for name, make, count in readers]


def plain(folder: Path) -> np.ndarray:
    return np.load(folder / "plain.npy", mmap_mode="r")


def once(folder: Path, name: str, write: Callable[[np.ndarray, Path], None]) -> Path:
    """The path of a peer's store, written if it is not there yet."""
    path = folder / name
    if not path.exists():
        write(np.load(folder / "plain.npy"), path)
    return path


def draws() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Trajectories and starts of random windows, a batch at a time, for ever."""
    generator = np.random.default_rng(0)
    while True:
        yield generator.integers(0, TRAJECTORIES, BATCH), generator.integers(0, STARTS, BATCH)


def each(read: Callable[[int, int], np.ndarray]) -> Iterator[np.ndarray]:
    """Batches from a function (trajectory, start) -> window, called for each window."""
    for trajectories, starts in draws():
        batch = np.empty((BATCH, WINDOW, 3), np.float32)
        for row, (trajectory, start) in enumerate(zip(trajectories.tolist(), starts.tolist(), strict=True)):
            batch[row] = read(trajectory, start)
        yield batch


def gather(folder: Path) -> Iterator[np.ndarray]:
    windows = np.lib.stride_tricks.sliding_window_view(plain(folder), WINDOW, axis=1).transpose(0, 1, 3, 2)
    return (windows[trajectories, starts] for trajectories, starts in draws())


class MapStyle:
    """Map-style over the mapped file, as torch and grain take it."""

    def __init__(self, folder: Path) -> None:
        self.states = plain(folder)

    def __len__(self) -> int:
        return TRAJECTORIES * STARTS

    def __getitem__(self, number: int) -> np.ndarray:
        trajectory, start = divmod(int(number), STARTS)
        return np.array(self.states[trajectory, start : start + WINDOW])


def loaded(dataset: Any) -> Iterator[Any]:
    """torch's DataLoader, drawing with replacement, epoch after epoch."""
    import torch
    from torch.utils.data import DataLoader, RandomSampler

    torch.set_num_threads(1)
    for epoch in itertools.count():
        sampler = RandomSampler(dataset, replacement=True, num_samples=BATCH * 2000, generator=torch.Generator().manual_seed(epoch))
        yield from DataLoader(dataset, batch_size=BATCH, drop_last=True, sampler=sampler)


def dataloader(folder: Path) -> Iterator[Any]:
    return loaded(MapStyle(folder))


def grain(folder: Path) -> Iterator[np.ndarray]:
    import grain as library

    source = library.MapDataset.source(MapStyle(folder)).shuffle(seed=0).repeat().batch(BATCH)
    return (source[number] for number in itertools.count())


def hdf5(folder: Path, *, name: str, **options: Any) -> Iterator[np.ndarray]:
    import h5py

    def write(states: np.ndarray, path: Path) -> None:
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=states, **options)

    data = h5py.File(once(folder, name, write), "r")["x"]
    return each(lambda trajectory, start: data[trajectory, start : start + WINDOW])


def the_well(folder: Path) -> Iterator[Any]:
    import torch
    from the_well.data import WellDataset

    path = once(folder, "well", _write_well) / "data" / "train"
    settings = {
        "n_steps_input": WINDOW - 1,
        "n_steps_output": 1,
        "max_rollout_steps": WINDOW,
        "return_grid": False,
        "boundary_return_type": None,
    }
    dataset = WellDataset(path=str(path), **settings)
    return (torch.cat([batch["input_fields"], batch["output_fields"]], 1)[:, :, 0] for batch in loaded(dataset))


def _write_well(states: np.ndarray, path: Path) -> None:
    """Ten HDF5 files with the groups and attributes that The Well asks for; each variable a scalar field on a grid of one point."""
    import h5py

    (path / "data" / "train").mkdir(parents=True)
    fixed = {"sample_varying": False, "time_varying": False}
    for part in range(10):
        block = states[100 * part : 100 * (part + 1)]
        with h5py.File(path / "data" / "train" / f"lorenz_{part}.hdf5", "w") as file:
            file.attrs.update(
                dataset_name="lorenz", grid_type="cartesian", n_spatial_dims=1, n_trajectories=len(block), simulation_parameters=[]
            )
            dimensions = file.create_group("dimensions")
            dimensions.attrs["spatial_dims"] = ["x"]
            for name, values in (("time", np.arange(states.shape[1], dtype="f4")), ("x", np.zeros(1, "f4"))):
                dimensions[name] = values
                dimensions[name].attrs.update(fixed)
            file.create_group("boundary_conditions")
            file.create_group("scalars").attrs["field_names"] = []
            for rank in range(3):
                file.create_group(f"t{rank}_fields").attrs["field_names"] = ["u", "v", "w"] if rank == 0 else []
            for variable, name in enumerate("uvw"):
                field = file["t0_fields"].create_dataset(name, data=block[:, :, variable : variable + 1])
                field.attrs.update(dim_varying=[True], sample_varying=True, time_varying=True)


def arrow(folder: Path) -> Iterator[np.ndarray]:
    import datasets

    def write(states: np.ndarray, path: Path) -> None:
        datasets.disable_progress_bars()
        rows = states.reshape(-1, WINDOW, 3)
        features = datasets.Features({"x": datasets.Array2D(rows.shape[1:], "float32")})
        made = datasets.Dataset.from_generator(
            lambda: ({"x": row} for row in rows), features=features, cache_dir=str(path.parent / "hf_cache")
        )
        made.save_to_disk(str(path), max_shard_size="20MB")

    rows = datasets.load_from_disk(str(once(folder, "hf_windows", write))).with_format("numpy")
    generator = np.random.default_rng(0)
    return (np.asarray(rows[generator.integers(0, len(rows), BATCH).tolist()]["x"]) for _ in itertools.count())


def webdataset(folder: Path) -> Iterator[np.ndarray]:
    import webdataset as library

    def write(states: np.ndarray, path: Path) -> None:
        path.mkdir()
        rows = states.reshape(-1, WINDOW, 3)
        with library.ShardWriter(str(path / "s-%04d.tar"), maxcount=len(rows) // 10, verbose=0) as writer:
            for number, row in enumerate(rows):
                writer.write({"__key__": f"{number:08d}", "npy": row})

    path = once(folder, "tar_windows", write)
    for epoch in itertools.count():
        files = library.WebDataset(sorted(map(str, path.glob("*.tar"))), shardshuffle=100, seed=epoch, empty_check=False)
        yield from (batch[0] for batch in files.decode().to_tuple("npy").shuffle(1000).batched(BATCH, partial=False))


def _write_zarr(states: np.ndarray, path: Path) -> None:
    import zarr

    codec = zarr.codecs.BloscCodec(cname="lz4", clevel=5, shuffle="shuffle", typesize=4)
    array = zarr.create_array(str(path), shape=states.shape, chunks=TRAJECTORY, shards=SHARD, dtype="f4", compressors=codec)
    array[:] = states


def zarr_windows(folder: Path) -> Iterator[np.ndarray]:
    import zarr

    array = zarr.open_array(str(once(folder, "sharded.zarr", _write_zarr)), mode="r")
    return each(lambda trajectory, start: array[trajectory, start : start + WINDOW])


def xbatcher(folder: Path) -> Iterator[Any]:
    import xarray
    from xbatcher import BatchGenerator
    from xbatcher.loaders.torch import MapDataset

    def write(states: np.ndarray, path: Path) -> None:
        made = xarray.Dataset({"x": (("trajectory", "time", "variable"), states)})
        made.to_zarr(str(path), zarr_format=3, encoding={"x": {"chunks": TRAJECTORY, "shards": SHARD}})

    array = xarray.open_zarr(str(once(folder, "xarray.zarr", write)), chunks=None)["x"]
    return (batch[:, 0] for batch in loaded(MapDataset(BatchGenerator(array, {"trajectory": 1, "time": WINDOW, "variable": 3}))))


def tensorstore(folder: Path, *, cache: int = 0) -> Iterator[np.ndarray]:
    import tensorstore as library

    path = once(folder, "sharded.zarr", _write_zarr)
    context = {"cache_pool": {"total_bytes_limit": cache}, "data_copy_concurrency": {"limit": 1}, "file_io_concurrency": {"limit": 4}}
    array = library.open({"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path)}, "context": context}).result()
    for trajectories, starts in draws():
        reads = [array[int(t), int(s) : int(s) + WINDOW].read() for t, s in zip(trajectories, starts, strict=True)]
        yield np.stack([read.result() for read in reads])
