"""A forecaster of 24 systems in torch: python examples/forecast/with_torch.py STORE [--steps 1500]   (needs attractory[torch])"""

from __future__ import annotations

import scoring
import torch
from model_torch import Forecaster
from torch.utils.data import DataLoader


def main() -> None:
    options = scoring.asked(__doc__)
    torch.manual_seed(0)
    dataset = scoring.opened(options)
    windows = dataset.windows(**scoring.settings(options), draws=options.steps * scoring.BATCH).torch()
    model = Forecaster(options.context, options.horizon, windows.batch(0).state.shape[2])
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=options.steps + 1)
    for batch in DataLoader(windows, batch_size=None):
        loss = (model(batch.context) - batch.horizon).abs().mean()
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
