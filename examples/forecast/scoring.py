"""What the forecasters of this folder have in common: their windows, and their score in Lyapunov times.

A forecast is valid until its error, the root mean square over the variables in units of the system's standard deviation, is above 0.5. The
score is the mean of that time over test windows of all systems, beside that of persistence, which answers with the last sample it saw.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

import attractory
from attractory.loader import Dataset
from attractory.loader.transforms import Standardise

CONTEXT, HORIZON, BATCH, TOLERATED = 40, 40, 256, 0.5
Predict = Callable[[np.ndarray], np.ndarray]  # contexts (window, time, variable) -> horizons (window, time, variable)


def asked(description: str | None) -> argparse.Namespace:
    """The command line of each forecaster."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", nargs="?", default="examples/forecast/forecast.zarr", help="attractory generate examples/forecast")
    parser.add_argument("--granularity", default="lyapunov")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--samples-per-lyapunov-time", type=float, default=20.0)
    parser.add_argument("--context", type=int, default=CONTEXT)
    parser.add_argument("--horizon", type=int, default=HORIZON)
    return parser.parse_args()


def settings(options: argparse.Namespace, split: str = "train") -> dict[str, Any]:
    """Arguments of `Dataset.windows`: states in units of each system's standard deviation."""
    lengths = {"context": options.context, "horizon": options.horizon, "batch_size": BATCH}
    return {"granularity": options.granularity, "split": split, **lengths, "transforms": [Standardise()]}


def valid_time(forecast: np.ndarray, truth: np.ndarray, per_lyapunov_time: float) -> np.ndarray:
    """Lyapunov times (window,) until a forecast's error is above what is tolerated; all of the horizon if it never is."""
    error = np.sqrt(((forecast - truth) ** 2).mean(axis=2))
    above = error > TOLERATED
    first = np.where(above.any(axis=1), above.argmax(axis=1), error.shape[1])
    found: np.ndarray = first / per_lyapunov_time
    return found


def report(predict: Predict, dataset: Dataset, options: argparse.Namespace) -> None:
    """Prints the scores of a forecaster and of persistence on test windows of all systems, and their mean errors in standard deviations."""
    windows = dataset.windows(**{**settings(options, "test"), "stride": options.horizon})
    scores: dict[str, list[tuple[float, float]]] = {"the forecaster": [], "persistence": []}
    for batch in windows:
        forecasts = (predict(batch.context), np.repeat(batch.context[:, -1:], options.horizon, axis=1))
        for found, forecast in zip(scores.values(), forecasts, strict=True):
            times = valid_time(forecast, batch.horizon, options.samples_per_lyapunov_time)
            found += zip(times.tolist(), np.abs(forecast - batch.horizon).mean(axis=(1, 2)).tolist(), strict=True)
    for name, found in scores.items():
        times, errors = np.mean(found, axis=0)
        print(f"{name}: valid for {times:.2f} Lyapunov times, mean error {errors:.4f}, over {windows.window_count} windows")


def opened(options: argparse.Namespace) -> Dataset:
    """The store."""
    return attractory.open(options.store)
