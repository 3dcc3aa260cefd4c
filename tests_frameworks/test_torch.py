"""The batches as torch tensors: the same numbers in the same order, with no worker process or several."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from attractory.loader import Batch, Dataset
from attractory.loader import open as open_store
from attractory.loader.transforms import Noise, Standardise

pytestmark = pytest.mark.filterwarnings(
    "ignore:This DataLoader will create:UserWarning",  # more workers than this machine has cores
    "ignore:This process .* is multi-threaded:DeprecationWarning",  # Python 3.12 and later, of any fork beside a thread
)


RANKS = """
import os, sys
import torch, torch.distributed as distributed
from torch.utils.data import DataLoader
import attractory

distributed.init_process_group("gloo")
rank, ranks = distributed.get_rank(), distributed.get_world_size()
settings = dict(granularity="fine", split="train", context=8, horizon=4, batch_size=16, uneven="pad")
windows = attractory.open(sys.argv[1]).windows(**settings, rank=rank, ranks=ranks)
drawn = torch.cat([batch.index for batch in DataLoader(windows.torch(), batch_size=None, num_workers=1)])
both = [torch.empty_like(drawn) for _ in range(ranks)]
distributed.all_gather(both, drawn)
real = torch.cat(both)
real = real[real >= 0]
if rank == 0:
    print(f"disjoint: {len(real.unique())} of {len(real)}")
distributed.destroy_process_group()
"""


KILLED = """
import json, os, signal, sys
from pathlib import Path
from torch.utils.data import DataLoader
import attractory

place, kill = Path(sys.argv[2]), int(sys.argv[3])
drawn, state = json.loads(place.read_text()) if place.exists() else ([], None)
tensors = attractory.open(sys.argv[1]).windows(granularity="fine", split="train", context=8, horizon=4, batch_size=2).torch()
if state:
    tensors.load_state_dict(state)
batches = iter(DataLoader(tensors, batch_size=None, num_workers=2))
for number, batch in enumerate(batches):
    drawn += batch.index.tolist()
    place.with_suffix(".new").write_text(json.dumps([drawn, tensors.state_dict(batch)]))
    place.with_suffix(".new").replace(place)
    if number == kill:
        os.kill(batches._workers[number % 2].pid, signal.SIGKILL)
"""


def same(batch: Batch, expected: Batch) -> bool:
    """Whether a batch of tensors equals one of arrays, field by field and type by type."""
    names = ("state", "mask", "index", "system", "trajectory", "start")
    pairs = [(getattr(batch, name), torch.from_numpy(getattr(expected, name))) for name in names]
    return batch.position == expected.position and all(a.dtype == b.dtype and torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tensors_equal_the_arrays(stores: Any, tmp_path: Path, settings: dict[str, Any], dtype: str) -> None:
    """Without a DataLoader; context and horizon are views, and the dtype is the store's."""
    windows = open_store(stores.write(tmp_path / "s.zarr", stores.Written(dtype=dtype))).windows(**settings)
    batches = list(windows.torch())
    assert len(batches) == len(windows.torch()) == 25
    assert all(same(batch, expected) for batch, expected in zip(batches, windows, strict=True))
    assert batches[0].state.dtype == getattr(torch, dtype)
    assert (batches[0].context.shape, batches[0].horizon.shape) == ((16, 8, 3), (16, 4, 3))


@pytest.mark.parametrize(("workers", "method"), [(0, None), (1, "fork"), (3, "fork"), (2, "spawn"), (2, "forkserver")])
def test_a_loader_gives_the_order_of_one_process(dataset: Dataset, settings: dict[str, Any], workers: int, method: str | None) -> None:
    """Each window once, in the same order for any number of workers, also after the parent has read and decoded itself."""
    windows = dataset.windows(**settings)
    expected = list(windows)
    loader = DataLoader(windows.torch(), batch_size=None, num_workers=workers, multiprocessing_context=method)
    batches = list(loader)
    assert len(loader) == len(batches) == len(expected)
    assert all(same(batch, other) for batch, other in zip(batches, expected, strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_ranks_with_workers_are_disjoint_and_complete(dataset: Dataset, settings: dict[str, Any], workers: int) -> None:
    """Three ranks, padded at the end: together every window once, and the same number of batches each."""
    loaders = [
        DataLoader(dataset.windows(**settings, rank=rank, ranks=3, uneven="pad").torch(), batch_size=None, num_workers=workers)
        for rank in range(3)
    ]
    drawn = [torch.cat([batch.index for batch in loader]) for loader in loaders]
    assert len({len(indices) for indices in drawn}) == 1
    real = torch.cat(drawn)
    assert torch.equal(real[real >= 0].sort().values, torch.arange(390))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_goes_on_after_the_last_batch_it_used(dataset: Dataset, settings: dict[str, Any], workers: int) -> None:
    """Workers run ahead, so the state is asked for the batch that was used last."""
    expected = [batch.index for batch in dataset.windows(**settings, seed=4)]
    tensors = dataset.windows(**settings, seed=4).torch()
    for number, batch in enumerate(DataLoader(tensors, batch_size=None, num_workers=workers)):
        if number == 6:
            state = tensors.state_dict(batch)
            break
    assert state == {"seed": 4, "epoch": 0, "position": 7 * 16}
    resumed = dataset.windows(**settings).torch()
    resumed.load_state_dict(state)
    rest = list(DataLoader(resumed, batch_size=None, num_workers=workers))
    assert np.array_equal(torch.cat([batch.index for batch in rest]), np.concatenate(expected[7:]))


def test_any_batch_and_any_part_as_tensors(dataset: Dataset, settings: dict[str, Any]) -> None:
    """Batch k at once, and an epoch without some rounds, as the arrays have them; a state with what is skipped reaches worker processes."""
    windows = dataset.windows(**settings)
    whole = list(windows)
    assert same(windows.torch().batch(7), whole[7])
    rest = list(DataLoader(windows.torch().skip(range(2, 20)), batch_size=None, num_workers=2))
    assert [batch.index.tolist() for batch in rest] == [batch.index.tolist() for batch in whole[:2] + whole[20:]]
    assert [batch.position for batch in rest[:3]] == [16, 320, 336]
    resumed = dataset.windows(**settings).torch()
    resumed.load_state_dict({"seed": 0, "epoch": 0, "position": 16, "skipped": [[32, 320]]})
    again = list(DataLoader(resumed, batch_size=None, num_workers=2))
    assert [batch.index.tolist() for batch in again] == [batch.index.tolist() for batch in whole[1:2] + whole[20:]]


@pytest.mark.parametrize("workers", [0, 1])
def test_bfloat16_is_torchs_own(dataset: Dataset, settings: dict[str, Any], workers: int) -> None:
    """The numbers that torch rounds float32 to, without a package beside torch."""
    expected = [batch.state for batch in dataset.windows(**settings).torch()]
    loader = DataLoader(dataset.windows(**settings, dtype="bfloat16").torch(), batch_size=None, num_workers=workers)
    for batch, plain in zip(loader, expected, strict=True):
        assert batch.state.dtype == torch.bfloat16
        assert torch.equal(batch.state, plain.to(torch.bfloat16))


def test_all_that_a_batch_has_becomes_tensors(dataset: Dataset, settings: dict[str, Any]) -> None:
    """Labels, masks of time and other granularities too, also through a worker process."""
    asked = {**settings, "granularity": ["fine", "coarse"], "metadata": ["parameters", "time"]}
    for batch in DataLoader(dataset.windows(**asked).torch(), batch_size=None, num_workers=1):
        assert (batch.metadata["parameters"].dtype, batch.metadata["time"].shape[1]) == (torch.float64, 12)
        assert batch.others["coarse"].state.dtype == torch.float32
        moved = batch.to("meta")
        assert {moved.metadata["time"].device.type, moved.others["coarse"].state.device.type} == {"meta"}


@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
@pytest.mark.parametrize("ahead", [1, 3])
def test_batches_come_to_a_device_in_order(dataset: Dataset, settings: dict[str, Any], device: str, ahead: int) -> None:
    """Each as it is without, however many wait there; a loop that ends early leaves no thread behind, and errors come where they belong."""
    windows = dataset.windows(**settings)
    tensors = windows.torch()
    for batch, expected in zip(tensors.on(device, ahead=ahead), windows, strict=True):
        assert batch.state.device.type == device
        assert same(batch.to("cpu"), expected)
    batches = tensors.on(device, ahead=ahead)
    first = next(batches)
    batches.close()
    assert tensors.state_dict(first)["position"] == 16
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("attractory-device")]


def test_a_run_whose_workers_are_killed_loses_and_doubles_nothing(dataset: Dataset, tiny: Path, tmp_path: Path) -> None:
    """torch ends a run when a worker dies; begun again with the state of the last batch that was used, it goes on with the next window."""
    (tmp_path / "run.py").write_text(KILLED)
    for kill in (20, 41, -1):
        command = [sys.executable, str(tmp_path / "run.py"), str(tiny), str(tmp_path / "state.json"), str(kill)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert (done.returncode == 0) == (kill < 0), done.stderr[-2000:]
    drawn, _ = json.loads((tmp_path / "state.json").read_text())
    windows = dataset.windows(granularity="fine", split="train", context=8, horizon=4, batch_size=16)
    assert drawn == [int(index) for batch in windows for index in batch.index]


def test_processes_of_torchrun_draw_disjoint_windows(tiny: Path, tmp_path: Path) -> None:
    """Two processes over gloo, each told its rank by torchrun: together every window once, without a sampler."""
    script = tmp_path / "ranks.py"
    script.write_text(RANKS)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script), str(tiny)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "disjoint: 390 of 390" in done.stdout


def test_another_epoch_is_another_order(dataset: Dataset, settings: dict[str, Any]) -> None:
    """`with_epoch` gives the windows for the next DataLoader."""
    tensors = dataset.windows(**settings).torch()
    assert not torch.equal(next(iter(tensors)).index, next(iter(tensors.with_epoch(1))).index)


def test_a_batch_moves_as_a_whole(dataset: Dataset, settings: dict[str, Any]) -> None:
    """`.to()` reaches every tensor; `meta` is the one other device that every machine has."""
    batch = next(iter(dataset.windows(**settings).torch())).to("meta")
    assert {batch.state.device.type, batch.mask.device.type, batch.index.device.type} == {"meta"}


def test_the_forecaster_of_the_examples_learns(tiny: Path) -> None:
    """A few steps of the one-layer model bring its error down, and it says so."""
    script = Path(__file__).parent.parent / "examples/train_forecaster.py"
    arguments = [str(tiny), "--granularity", "fine", "--context", "8", "--horizon", "4", "--steps", "60", "--batch-size", "32"]
    done = subprocess.run([sys.executable, "-W", "error", str(script), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    losses = [float(line.split()[-1]) for line in done.stdout.splitlines() if line.startswith("step")]
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sampler_of_torch_may_draw_single_windows(dataset: Dataset, settings: dict[str, Any], workers: int) -> None:
    """The map-style Dataset: element i is window i, and torch's own shuffle and collation give each once."""
    windows = dataset.windows(**settings)
    items = windows.torch().items()
    assert torch.equal(items[7]["context"], torch.from_numpy(windows.at([7]).context[0]))
    loader = DataLoader(items, batch_size=13, shuffle=True, num_workers=workers, generator=torch.Generator().manual_seed(0))
    batches = list(loader)
    assert batches[0]["horizon"].shape == (13, 4, 3)
    assert torch.equal(torch.cat([batch["index"] for batch in batches]).sort().values, torch.arange(390))


@pytest.mark.parametrize("workers", [0, 2])
def test_transforms_draw_the_same_in_any_worker(dataset: Dataset, settings: dict[str, Any], workers: int) -> None:
    """A window's noise is a function of the window, the seed and the epoch."""
    windows = dataset.windows(**settings, transforms=[Standardise(), Noise(decibels=20)], dtype="bfloat16")
    expected = [batch.state for batch in windows.torch()]
    drawn = [batch.state for batch in DataLoader(windows.torch(), batch_size=None, num_workers=workers)]
    assert all(torch.equal(a, b) for a, b in zip(drawn, expected, strict=True))
    assert drawn[0].dtype == torch.bfloat16


def test_the_example_beats_persistence(forecasts: Any) -> None:
    """The forecaster of examples/forecast, after a few steps on states that move evenly."""
    own, persistence = forecasts("with_torch.py")
    assert own < persistence
