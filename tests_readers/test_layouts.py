"""The Well's WellDataset and dysts' loader: the same trajectories in their layouts."""

from __future__ import annotations

import gzip
import json
import warnings

import numpy as np
import pytest


@pytest.fixture(scope="session")
def well(version):
    from the_well.data import WellDataset

    return lambda split, **settings: WellDataset(path=str(version / "the_well/Lorenz/coarse"), well_split_name=split, **settings)


def test_well_dataset_reads_windows_of_the_states(well, states):
    """Fields on a grid of one point, in the order of the variables; its split is called `valid`."""
    for split, name in (("train", "train"), ("valid", "validation"), ("test", "test")):
        dataset = well(split, n_steps_input=3, n_steps_output=2)
        assert (dataset.n_files, len(dataset)) == ((2, 7 * 36) if split == "train" else (1, len(states[name]) * 36))
        sample = dataset[36 + 5]  # of the second trajectory, from its sample 5 on
        np.testing.assert_array_equal(sample["input_fields"].numpy()[:, 0], states[name][1, 5:8])
        np.testing.assert_array_equal(sample["output_fields"].numpy()[:, 0], states[name][1, 8:10])
        np.testing.assert_allclose(sample["constant_scalars"].numpy(), [10.0, 28.0, 8 / 3])
        np.testing.assert_allclose(np.diff(sample["input_time_grid"].numpy()), 0.05)  # period 0.75, 15 samples in it


def test_well_dataset_normalises_with_our_statistics(well, states):
    """With the deviations of the training trajectories, which were counted another way here."""
    from the_well.data.normalization import ZScoreNormalization

    dataset = well("train", n_steps_input=40 - 1, n_steps_output=1, use_normalization=True, normalization_type=ZScoreNormalization)
    train = states["train"].astype(np.float64)
    wanted = (train[0, :-1] - train.mean(axis=(0, 1))) / train.std(axis=(0, 1))
    np.testing.assert_allclose(dataset[0]["input_fields"].numpy()[:, 0], wanted, atol=1e-5)  # float32


def test_well_dataset_reads_times_of_each_trajectorys_own(version):
    """Where one sample of five is left out, two trajectories have different times."""
    from the_well.data import WellDataset

    dataset = WellDataset(path=str(version / "the_well/Lorenz/dropped"), well_split_name="test", n_steps_input=28, n_steps_output=2)
    first, second = (dataset[place]["input_time_grid"].numpy() for place in (0, 1))
    assert (np.diff(first) > 0).all()
    assert not np.array_equal(first, second)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of xarray, about how The Well asks for it
def test_well_dataset_becomes_xarray(well, states):
    """Its own export to xarray takes the files."""
    exported = well("test", n_steps_input=3, n_steps_output=2).to_xarray("numpy")
    np.testing.assert_array_equal(exported["z"].to_numpy()[:, :, 0], states["test"][:, :, 2])


def test_dysts_loads_its_own_layout(version, states):
    """By the function that dysts reads its time series with: of each system the first trajectory of the split."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of dysts, about packages that it may use
        from dysts.base import BaseDyn
    path = version / "dysts/test_multivariate__coarse.json.gz"
    times, values = BaseDyn.load_trajectory(str(path), "Lorenz", return_times=True)
    np.testing.assert_array_equal(values.astype(np.float32), states["test"][0])
    np.testing.assert_allclose(times, 0.05 * np.arange(40))
    with gzip.open(path, "rt", encoding="utf-8") as file:
        assert sorted(json.load(file)) == ["Henon", "Lorenz"]
