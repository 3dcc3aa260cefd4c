"""Train a one-layer forecaster for a few steps: python examples/train_forecaster.py STORE   (needs attractory[torch])

The model sees `context` samples of every variable and answers with the next `horizon` ones, as changes from the last sample. Each window
is brought to zero mean and unit size by its own context, so that one model serves systems of every scale.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader

import attractory
from attractory.loader import Batch, Dataset


class Forecaster(torch.nn.Module):
    """One linear layer from the context to the horizon, the same for each variable; it begins with persistence."""

    def __init__(self, context: int, horizon: int) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(context, horizon, bias=False)
        torch.nn.init.zeros_(self.layer.weight)

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        """(batch, context, variable) -> (batch, horizon, variable)."""
        change = self.layer((context - context[:, -1:]).transpose(1, 2)).transpose(1, 2)
        return context[:, -1:] + change


def standardised(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Context and horizon in units of the context's own mean and spread, float32."""
    state = batch.state.float()
    context = state[:, : batch.context_samples]
    mean, spread = context.mean(dim=1, keepdim=True), context.std(dim=1, keepdim=True) + 1e-6
    state = (state - mean) / spread
    return state[:, : batch.context_samples], state[:, batch.context_samples :]


def loss_of(model: Forecaster, batch: Batch) -> torch.Tensor:
    """Mean absolute error over the variables that are real: robust to windows that hardly move in their context."""
    context, truth = standardised(batch)
    errors = (model(context) - truth).abs().mean(dim=1)
    return errors[batch.mask].mean()


def batches(dataset: Dataset, settings: argparse.Namespace) -> Iterator[Batch]:
    """Training batches, epoch after epoch."""
    windows = dataset.windows(
        granularity=settings.granularity,
        split="train",
        context=settings.context,
        horizon=settings.horizon,
        batch_size=settings.batch_size,
        seed=settings.seed,
    ).torch()
    epoch = 0
    while True:
        yield from DataLoader(windows.with_epoch(epoch), batch_size=None, num_workers=settings.workers)
        epoch += 1


def train(model: Forecaster, dataset: Dataset, settings: argparse.Namespace) -> None:
    """Some steps of Adam, with the loss of ten of them on the screen."""
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    for step, batch in zip(range(settings.steps), batches(dataset, settings), strict=False):
        loss = loss_of(model, batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % max(1, settings.steps // 10) == 0 or step == settings.steps - 1:
            print(f"step {step:5d}  loss {loss.item():.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", nargs="?", default="datasets/quickstart/quickstart.zarr")
    parser.add_argument("--granularity", default="coarse")
    parser.add_argument("--context", type=int, default=64)
    parser.add_argument("--horizon", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=0)
    settings = parser.parse_args()
    torch.manual_seed(settings.seed)
    dataset = attractory.open(settings.store)
    train(Forecaster(settings.context, settings.horizon), dataset, settings)


if __name__ == "__main__":
    main()
