"""Transforms of whole batches: what each does to numbers that are known, and that a window is the same wherever it is drawn."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attractory import layout
from attractory.errors import RequestError
from attractory.loader import Batch, Dataset
from attractory.loader import open as open_store
from attractory.loader.chance import Chance, chance_of
from attractory.loader.transforms import (
    Affine,
    DelayEmbed,
    Dilate,
    Drop,
    Hide,
    Noise,
    Observables,
    Permute,
    Resample,
    Standardise,
    Symmetry,
)

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}
ALL = [
    Standardise(),
    Standardise("trajectory"),
    Standardise("window"),
    Noise(20),
    Noise(20, of="window", part="context"),
    Hide(1),
    Hide(("x",)),
    Observables(3),
    Observables(2, degree=2),
    DelayEmbed(3, lag=2),
    Drop(0.4),
    Resample(2),
    Dilate(),
    Affine(scale=(0.5, 2), shift=1, turned=True),
    Permute(),
    Symmetry(),
]
SYMMETRIC = {layout.RECORD: {"symmetries": [{"x": "-x", "y": "-y"}]}}


@pytest.fixture(scope="session")
def dataset(tiny: Path) -> Dataset:
    return open_store(tiny)


@pytest.fixture(scope="session")
def symmetric(stores: Any, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Lorenz with its half turn, Thomas with its cycle of three."""
    thomas = {layout.RECORD: {"symmetries": [{"x": "y", "y": "z", "z": "x"}, {"x": "a - x", "y": "pi/pi - y", "z": "-z"}]}}
    written = stores.Written(systems={"Lorenz": 3, "Thomas": 3}, annotations={"Lorenz": SYMMETRIC, "Thomas": thomas})
    return open_store(stores.write(tmp_path_factory.mktemp("symmetric") / "s.zarr", written))


def first(dataset: Dataset, *transforms: Any, **settings: Any) -> Batch:
    return next(iter(dataset.windows(**{**SETTINGS, **settings}, transforms=transforms)))


def test_random_numbers_are_what_they_should_be() -> None:
    """Mean, variance and the largest of a million numbers; the same again for the same name, others for another, one line pinned."""
    chance = chance_of(np.arange(1000), seed=0, epoch=0)
    normal = chance.normal("a", 1000).astype(np.float64)
    assert abs(normal.mean()) < 4e-3  # four standard errors
    assert abs(normal.var() - 1) < 6e-3
    assert 4.4 < np.abs(normal).max() < 6.5  # of a million, beyond 6.5 once in ten thousand tries
    assert abs(np.mean(normal[:-1] * normal[1:])) < 4e-3
    uniform = chance.uniform("a", 1000)
    assert np.abs(np.histogram(uniform, 10, (0, 1))[0] - 1e5).max() < 1300  # four standard deviations
    assert np.array_equal(chance.uniform("a", 1000), uniform)
    assert not np.isin(uniform[:, 0], chance.uniform("b", 1000)).any()
    assert uniform[:3, 0].tolist() == [0.9263192935087925, 0.8563811406301071, 0.10091592878129796]


@pytest.mark.parametrize("transform", ALL, ids=str)
def test_a_window_is_the_same_wherever_it_is_drawn(dataset: Dataset, transform: Any) -> None:
    """In another batch size, on another rank, by its number, after a pickle, beside another granularity; arrays are whole and writable."""
    settings = {**SETTINGS, "granularity": ["fine", "coarse"]} if not isinstance(transform, Standardise) else SETTINGS
    settings = {**settings, "context": 12, "transforms": [transform]}
    windows = dataset.windows(**settings)
    batch = next(iter(windows))
    assert batch.state.flags.c_contiguous
    assert batch.state.flags.writeable
    assert batch.state.dtype == np.float32
    same = [next(iter(dataset.windows(**{**settings, "batch_size": 8}, rank=0, ranks=2)))]
    same += [pickle.loads(pickle.dumps(windows)).at(batch.index[:8])]
    for other in same:
        assert all(np.array_equal(a, b) for a, b in zip(fields(other, 8), fields(batch, 8), strict=True))


def fields(batch: Batch, count: int) -> list[Any]:
    return [np.nan_to_num(values[:count]) for values in batch.fields().values()]


def test_another_epoch_draws_other_noise(dataset: Dataset) -> None:
    """And the same epoch the same; the noise is as large as asked for."""
    windows = dataset.windows(**SETTINGS, transforms=[Noise(20)])
    plain = dataset.windows(**SETTINGS).at(np.arange(390)).state
    noise = [(one.at(np.arange(390)).state - plain)[:195] for one in (windows, windows.with_epoch(1), windows)]
    assert np.array_equal(noise[0], noise[2])
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.05
    spread = dataset.systems["Henon"].granularities["fine"].state.whole()[:5].std(axis=(0, 1))
    assert np.allclose(noise[0][..., :2].std(axis=(0, 1)), spread / 10, rtol=0.06)  # four standard errors of 195 * 12 numbers
    assert not noise[0][..., 2].any()


@pytest.mark.parametrize("by", ["system", "trajectory", "window"])
def test_standardised_numbers_have_mean_zero_and_variance_one(dataset: Dataset, by: str) -> None:
    """Over what they are standardised by; scale and mean lead back; padded variables stay zero."""
    windows = dataset.windows(**{**SETTINGS, "context": 50, "horizon": 0}, transforms=[Standardise(by)])
    batch, plain = windows.at(np.arange(10)), dataset.windows(**{**SETTINGS, "context": 50, "horizon": 0}).at(np.arange(10))
    groups = [slice(0, 5), slice(5, 10)] if by == "system" else [slice(row, row + 1) for row in range(10)]
    for rows in groups:
        part = batch.state[rows][..., batch.mask[rows][0]].astype(np.float64)
        assert np.allclose(part.mean(axis=(0, 1)), 0, atol=1e-3)  # float32 of numbers near 1e5
        assert np.allclose(part.std(axis=(0, 1)), 1, atol=1e-3)
    back = batch.state * batch.metadata["scale"][:, None] + batch.metadata["mean"][:, None]
    assert np.allclose(back, plain.state, rtol=1e-6, atol=1e-2)  # float32 of numbers that were thousands apart
    assert not batch.state[:, :, ~batch.mask[0]][:5].any()


def test_statistics_are_those_of_training(dataset: Dataset) -> None:
    """Also of the windows of another split."""
    mean = first(dataset, Standardise(), split="test").metadata["mean"][0]
    train = first(dataset, Standardise()).metadata["mean"]
    assert (mean == train).all(axis=1).any()


def test_what_is_hidden_is_zero_and_not_in_the_mask(dataset: Dataset) -> None:
    """By name where a system has it; by number one of each window's variables, never the last that is left."""
    batch = first(dataset, Hide(("z",)))
    assert batch.mask.sum(axis=1).tolist() == [2] * 16
    assert not batch.state[:, :, 2].any()
    drawn = first(dataset, Hide(2), batch_size=390)
    assert set(drawn.mask.sum(axis=1).tolist()) == {1}
    assert (drawn.mask.sum(axis=0) > 60).all()
    assert np.array_equal(drawn.state != 0, np.broadcast_to(drawn.mask[:, None], drawn.state.shape))
    with pytest.raises(RequestError, match="no system of these windows has a variable 'v'; there is x, y, z"):
        first(dataset, Hide(("v",)))


def test_observables_are_sums_of_products(dataset: Dataset) -> None:
    """Of states, by weights that a least-squares fit of one window finds again."""
    plain = first(dataset, Standardise(), systems=["Lorenz"]).state.astype(np.float64)
    for degree, terms in ((1, 3), (2, 9)):
        seen = first(dataset, Standardise(), Observables(2, degree=degree), systems=["Lorenz"])
        assert (seen.state.shape, seen.mask.shape, seen.mask.all()) == ((16, 12, 2), (16, 2), True)
        products = [plain[0]] + [plain[0][:, i] * plain[0][:, j] for i in range(3) for j in range(i, 3)] if degree == 2 else [plain[0]]
        table = np.column_stack(products)
        left = seen.state[0] - table @ np.linalg.lstsq(table, seen.state[0], rcond=None)[0]
        assert np.abs(left).max() < 1e-4, terms


def test_delayed_copies_are_earlier_samples(dataset: Dataset) -> None:
    """x(t), x(t - 2), x(t - 4), then those of y; the context is four samples shorter."""
    batch, plain = first(dataset, DelayEmbed(3, lag=2)), first(dataset)
    assert (batch.state.shape, batch.context_samples, batch.horizon.shape) == ((16, 8, 9), 4, (16, 4, 9))
    for column, (variable, delay) in enumerate((v, d) for v in range(3) for d in (0, 2, 4)):
        assert np.array_equal(batch.state[:, :, column], plain.state[:, 4 - delay : 12 - delay, variable])
    assert np.array_equal(batch.mask, np.repeat(plain.mask, 3, axis=1))
    with pytest.raises(RequestError, match="needs a context of more than 8 samples; it has 8"):
        first(dataset, DelayEmbed(5, lag=2))


def test_dropped_samples_are_marked_and_timed(dataset: Dataset) -> None:
    """About as many as asked for, of the context alone; the time of each is its place in the trajectory."""
    batch, plain = first(dataset, Drop(0.5), batch_size=390), first(dataset, batch_size=390)
    assert batch.time_mask[:, 8:].all()
    assert abs(batch.time_mask[:, :8].mean() - 0.5) < 0.04  # four standard errors
    assert np.array_equal(batch.state, np.where(batch.time_mask[..., None], plain.state, 0))
    assert np.allclose(batch.time, (plain.start[:, None] + np.arange(12)) * 0.05)


def test_every_second_sample_counts_from_the_last_of_the_context(dataset: Dataset) -> None:
    """Which is kept."""
    batch, plain = first(dataset, Resample(2)), first(dataset)
    assert (batch.context_samples, batch.state.shape) == (4, (16, 6, 3))
    assert np.array_equal(batch.state, plain.state[:, 1::2])


def test_a_dilated_window_is_what_it_was_at_slower_times(dataset: Dataset) -> None:
    """States that are linear in time are met exactly, the last sample of the context stays."""
    batch, plain = first(dataset, Dilate(0.5)), first(dataset)
    pace = batch.metadata["pace"]
    assert ((pace >= 0.5) & (pace < 1)).all()
    expected = plain.state[:, 7:8] + 10 * (pace[:, None] * (np.arange(12) - 7))[..., None] * plain.mask[:, None]
    assert np.allclose(batch.state, expected, rtol=1e-6)
    with pytest.raises(RequestError, match="Dilate needs windows of one length"):
        first(dataset, Drop(0.1), Dilate())


def test_a_cubic_is_met_exactly_between_samples() -> None:
    """At the ends of the window too."""
    from attractory.loader.transforms.sampling import interpolated

    t = np.arange(9.0)
    cubic = (0.1 * t**3 - t**2 + 3)[None, :, None]
    places = np.array([[0.0, 0.3, 1.2, 2.5, 4.9, 6.1, 7.5, 7.9, 8.0]])
    expected = 0.1 * places**3 - places**2 + 3
    assert np.allclose(interpolated(cubic, places)[..., 0], expected, rtol=1e-12)


def test_an_affine_map_is_in_the_metadata(dataset: Dataset) -> None:
    """Rotations keep lengths and turn no right hand into a left one; padded variables take no part."""
    plain = first(dataset)
    batch = first(dataset, Affine(scale=(0.5, 2.0), shift=3.0, turned=True))
    expected = plain.state @ batch.metadata["affine"] + batch.metadata["shift"][:, None]
    assert np.allclose(batch.state, expected, rtol=1e-5)
    assert not batch.state[:, :, 2][~batch.mask[:, 2]].any()
    turned = first(dataset, Affine(turned=True)).metadata["affine"]
    assert np.allclose(turned @ turned.transpose(0, 2, 1), np.eye(3), atol=1e-12)
    assert np.allclose(np.linalg.det(turned), 1)


def test_permuted_variables_are_the_same_in_another_order(dataset: Dataset) -> None:
    """Real ones among themselves, every order about as often."""
    batch, plain = first(dataset, Permute(), batch_size=390), first(dataset, batch_size=390)
    assert np.array_equal(np.sort(batch.state, axis=2), np.sort(plain.state, axis=2))
    assert not batch.state[:, :, 2][~batch.mask[:, 2]].any()
    orders = np.unique(batch.metadata["order"][batch.mask[:, 2]], axis=0, return_counts=True)[1]
    assert (len(orders), orders.min() > 12) == (6, True)  # of 195 windows 32 each: four standard deviations


def test_symmetries_of_the_catalog_are_drawn_evenly(symmetric: Dataset) -> None:
    """A half turn once or not at all; a cycle of three 0 to 2 times; together with a reflection six images."""
    plain = first(symmetric, batch_size=390)
    batch = first(symmetric, Symmetry(), batch_size=390)
    lorenz, thomas = batch.system == 0, batch.system == 1
    x, y, z = np.moveaxis(plain.state, 2, 0)
    images = {"same": (x, y, z), "turned": (-x, -y, z)}
    counts = [matches(batch, image, lorenz) for image in images.values()]
    assert (sum(counts), min(counts) > 69) == (195, True)  # four standard deviations
    cycle = [(x, y, z), (y, z, x), (z, x, y)]
    six = [*cycle, *((1.5 - a, 1 - b, -c) for a, b, c in cycle)]
    counts = [matches(batch, image, thomas) for image in six]
    assert (sum(counts), min(counts) > 11) == (195, True)


def matches(batch: Batch, image: Any, rows: np.ndarray) -> int:
    return int((np.stack(image, axis=2)[rows] == batch.state[rows]).all(axis=(1, 2)).sum())


def test_rows_that_only_complete_a_round_stay_empty(dataset: Dataset) -> None:
    """Whatever is done to the others."""
    last = list(dataset.windows(**SETTINGS, uneven="pad", transforms=[Affine(shift=5.0), Noise(3)]))[-1]
    empty = last.index < 0
    assert empty.sum() == 10
    assert not last.state[empty].any()
    assert not last.mask[empty].any()


def test_a_function_of_ones_own_is_a_transform(dataset: Dataset) -> None:
    """Two of the same kind draw different numbers; what is no function is refused."""

    def moved(batch: Batch, chance: Chance) -> Batch:
        return replace(batch, state=batch.state + chance.uniform("move")[:, None, None].astype(np.float32))

    plain = first(dataset, lambda batch, chance: replace(batch, state=batch.state * 0)).state
    twice = first(dataset, lambda batch, chance: replace(batch, state=batch.state * 0), moved, moved).state - plain
    assert len(np.unique(np.round(twice, 5))) > 10
    with pytest.raises(RequestError, match=r"transforms: 3 is not a function \(batch, chance\) -> batch"):
        first(dataset, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Standardise("store"), "expected 'system', 'trajectory' or 'window'"),
        (lambda: Noise(20, part="end"), "expected 'context', 'horizon' or 'window'"),
        (lambda: Noise(np.inf), "expected a number of decibels"),
        (lambda: Hide(0), "at least 1"),
        (lambda: Observables(0), "at least 1"),
        (lambda: DelayEmbed(1), "at least 2 copies"),
        (lambda: Drop(1.0), "from 0 to below 1"),
        (lambda: Resample(0), "at least 1"),
        (lambda: Dilate(1.5), "above 0 and at most 1"),
        (lambda: Affine(scale=(2.0, 1.0)), "0 < smallest <= largest"),
    ],
)
def test_settings_without_meaning_are_refused(make: Any, message: str) -> None:
    """When the transform is made."""
    with pytest.raises(RequestError, match=message):
        make()
