"""The same in JAX, fed by grain: python examples/forecast/with_grain.py STORE [--steps 1500]   (needs attractory[grain,jax])"""

from __future__ import annotations

import grain
import jax
import numpy as np
import scoring
from model_jax import forecast, parameters, step


def main() -> None:
    options = scoring.asked(__doc__)
    dataset = scoring.opened(options)
    windows = dataset.windows(**scoring.settings(options), draws=options.steps * scoring.BATCH)
    batches = grain.MapDataset.source(windows.grain()).to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=4))
    state = parameters(options.context, options.horizon, windows.batch(0).state.shape[2])
    for number, batch in enumerate(batches):
        state = step(state, batch["context"], batch["horizon"], float(number), float(options.steps))
    model = jax.jit(forecast, static_argnums=2)
    scoring.report(lambda contexts: np.asarray(model(state[0], contexts, options.horizon)), dataset, options)


if __name__ == "__main__":
    main()
