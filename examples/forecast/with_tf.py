"""The same in TensorFlow: python examples/forecast/with_tf.py STORE [--steps 1500]   (needs attractory[tf])"""

from __future__ import annotations

import scoring
import tensorflow as tf


def main() -> None:
    options = scoring.asked(__doc__)
    tf.keras.utils.set_random_seed(0)
    dataset = scoring.opened(options)
    windows = dataset.windows(**scoring.settings(options), draws=options.steps * scoring.BATCH)
    variables = windows.batch(0).state.shape[2]
    context = tf.keras.Input((options.context, variables))
    hidden = tf.keras.layers.Flatten()(context)
    for _ in range(2):
        hidden = tf.keras.layers.Dense(256, activation="gelu")(hidden)
    change = tf.keras.layers.Reshape((options.horizon, variables))(
        tf.keras.layers.Dense(options.horizon * variables, kernel_initializer="zeros")(hidden)
    )
    model = tf.keras.Model(context, tf.keras.layers.Add()([change, context[:, -1:]]))
    rate = tf.keras.optimizers.schedules.CosineDecay(2e-3, options.steps)
    model.compile(tf.keras.optimizers.Adam(rate), loss="mae")
    model.fit(windows.tf().map(lambda batch: (batch["context"], batch["horizon"])).prefetch(4), shuffle=False, verbose=0)
    scoring.report(lambda contexts: model(contexts).numpy(), dataset, options)


if __name__ == "__main__":
    main()
