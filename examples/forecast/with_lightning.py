"""The same in Lightning: python examples/forecast/with_lightning.py STORE [--steps 1500]   (needs attractory[lightning])"""

from __future__ import annotations

import scoring
import torch
from lightning import LightningModule, Trainer
from model_torch import Forecaster


class Training(LightningModule):
    """The forecaster, its loss and its optimiser."""

    def __init__(self, model: Forecaster, steps: int) -> None:
        super().__init__()
        self.model = model
        self.steps = steps

    def training_step(self, batch, number):
        return (self.model(batch.context) - batch.horizon).abs().mean()

    def configure_optimizers(self):
        optimiser = torch.optim.Adam(self.parameters(), lr=1e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=self.steps + 1)
        return [optimiser], [{"scheduler": schedule, "interval": "step"}]


def main() -> None:
    options = scoring.asked(__doc__)
    torch.manual_seed(0)
    dataset = scoring.opened(options)
    asked = {name: value for name, value in scoring.settings(options).items() if name != "split"}
    variables = dataset.windows(**scoring.settings(options)).batch(0).state.shape[2]
    model = Forecaster(options.context, options.horizon, variables)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    trainer = Trainer(max_steps=options.steps, limit_val_batches=0, accelerator="cpu", **quiet)
    trainer.fit(Training(model, options.steps), dataset.lightning(**asked))

    def predict(contexts):
        with torch.no_grad():
            return model(torch.from_numpy(contexts)).numpy()

    scoring.report(predict, dataset, options)


if __name__ == "__main__":
    main()
