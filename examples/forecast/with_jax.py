"""The same in JAX: python examples/forecast/with_jax.py STORE [--steps 1500]   (needs attractory[jax])"""

from __future__ import annotations

import jax
import numpy as np
import scoring
from model_jax import forecast, parameters, step


def main() -> None:
    options = scoring.asked(__doc__)
    dataset = scoring.opened(options)
    windows = dataset.windows(**scoring.settings(options), draws=options.steps * scoring.BATCH).jax()
    state = parameters(options.context, options.horizon, windows.batch(0).state.shape[2])
    for number, batch in enumerate(windows):
        state = step(state, batch.context, batch.horizon, float(number), float(options.steps))
    model = jax.jit(forecast, static_argnums=2)
    scoring.report(lambda contexts: np.asarray(model(state[0], contexts, options.horizon)), dataset, options)


if __name__ == "__main__":
    main()
