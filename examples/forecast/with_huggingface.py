"""The same from a datasets.IterableDataset: python examples/forecast/with_huggingface.py STORE   (needs attractory[huggingface,torch])"""

from __future__ import annotations

import scoring
import torch
from model_torch import Forecaster


def main() -> None:
    options = scoring.asked(__doc__)
    torch.manual_seed(0)
    dataset = scoring.opened(options)
    windows = dataset.windows(**scoring.settings(options), draws=options.steps * scoring.BATCH)
    examples = windows.huggingface()
    model = Forecaster(options.context, options.horizon, windows.batch(0).state.shape[2])
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=options.steps + 1)
    for batch in torch.utils.data.DataLoader(examples, batch_size=scoring.BATCH):
        loss = (model(batch["context"]) - batch["horizon"]).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()

    def predict(contexts):
        with torch.no_grad():
            return model(torch.from_numpy(contexts)).numpy()

    scoring.report(predict, dataset, options)


if __name__ == "__main__":
    main()
