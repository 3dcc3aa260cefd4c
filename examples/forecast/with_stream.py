"""The same in torch, of trajectories that are integrated while the model trains, scored on the store's: python
examples/forecast/with_stream.py STORE [--steps 1500]   (needs attractory[pipeline,torch])"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import scoring
import torch
from model_torch import Forecaster

import attractory


def main() -> None:
    options = scoring.asked(__doc__)
    torch.manual_seed(0)
    windows = attractory.stream(Path(__file__).parent).windows(**scoring.settings(options), stride=20).torch()
    model = Forecaster(options.context, options.horizon, 3)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=options.steps + 1)
    for batch in islice(windows, options.steps):
        loss = (model(batch.context) - batch.horizon).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()

    def predict(contexts):
        with torch.no_grad():
            return model(torch.from_numpy(contexts)).numpy()

    scoring.report(predict, scoring.opened(options), options)


if __name__ == "__main__":
    main()
