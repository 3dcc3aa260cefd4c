"""Windows as a DataModule of Lightning: a real trainer draws every window once an epoch, and goes on from a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from attractory.loader import Dataset

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*:UserWarning")  # inside Lightning


class Model(LightningModule):
    """One layer, and a list of the windows that it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(8, 4)
        self.seen: list[list[int]] = []
        self.validated: list[int] = []

    def training_step(self, batch: Any, number: int) -> torch.Tensor:
        self.seen.append(batch.index.tolist())
        return ((self.layer(batch.context.mT).mT - batch.horizon) ** 2).mean()

    def validation_step(self, batch: Any, number: int) -> None:
        self.validated += batch.index.tolist()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.0)


def asked(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "split"}


def trainer(folder: Path, **settings: Any) -> Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    return Trainer(default_root_dir=folder, **{"enable_checkpointing": False, "num_sanity_val_steps": 0, **quiet, **settings})


@pytest.mark.parametrize("workers", [2])
def test_each_epoch_has_every_window_once_in_its_own_order(
    dataset: Dataset, settings: dict[str, Any], tmp_path: Path, workers: int
) -> None:
    """Training in the order of the epoch, validation in that of the store."""
    model = Model()
    trainer(tmp_path, max_epochs=2).fit(model, dataset.lightning(**asked(settings), workers=workers))
    expected = [[batch.index.tolist() for batch in dataset.windows(**settings, epoch=epoch)] for epoch in range(2)]
    assert model.seen == expected[0] + expected[1]
    validation = dataset.windows(**{**settings, "split": "validation"})
    assert model.validated == 2 * list(range(validation.window_count))


def test_a_run_goes_on_from_a_checkpoint(dataset: Dataset, settings: dict[str, Any], tmp_path: Path) -> None:
    """At the next window, in the middle of an epoch."""
    whole = [batch.index.tolist() for batch in dataset.windows(**settings)]
    keeps = ModelCheckpoint(tmp_path, every_n_train_steps=7, save_top_k=-1)
    first = trainer(tmp_path, max_epochs=1, limit_val_batches=0, enable_checkpointing=True, callbacks=[keeps])
    first.fit(Model(), dataset.lightning(**asked(settings)))
    model, second = Model(), trainer(tmp_path, max_epochs=1, limit_val_batches=0)
    second.fit(model, dataset.lightning(**asked(settings)), ckpt_path=tmp_path / "epoch=0-step=7.ckpt", weights_only=False)
    assert model.seen == whole[7:]


def test_the_example_beats_persistence(forecasts: Any) -> None:
    """The forecaster of examples/forecast, after a few steps on states that move evenly."""
    own, persistence = forecasts("with_lightning.py")
    assert own < persistence
