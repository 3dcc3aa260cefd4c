"""The forecaster of this folder in JAX, and Adam."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

WIDTH, RATE = 256, 2e-3


def parameters(context: int, horizon: int, variables: int) -> Any:
    """Weights and biases of three layers, and Adam's two averages of each."""
    sizes = [context * variables, WIDTH, WIDTH, horizon * variables]
    keys = jax.random.split(jax.random.key(0), 3)
    layers = [(jax.random.normal(key, (a, b)) / jnp.sqrt(a), jnp.zeros(b)) for key, a, b in zip(keys, sizes[:-1], sizes[1:], strict=True)]
    layers[-1] = (layers[-1][0] / 10, layers[-1][1])  # it begins near persistence
    zeros = jax.tree.map(jnp.zeros_like, layers)
    return layers, zeros, zeros


def forecast(layers: Any, context: Any, horizon: int) -> Any:
    """(batch, context, variable) -> (batch, horizon, variable)."""
    hidden = context.reshape(len(context), -1)
    for weights, biases in layers[:-1]:
        hidden = jax.nn.gelu(hidden @ weights + biases)
    change = hidden @ layers[-1][0] + layers[-1][1]
    return context[:, -1:] + change.reshape(len(context), horizon, -1)


@jax.jit
def step(state: Any, context: Any, truth: Any, number: Any, steps: Any) -> Any:
    """The state after one step of Adam, with a rate that falls to zero."""

    def loss(layers: Any) -> Any:
        return jnp.abs(forecast(layers, context, truth.shape[1]) - truth).mean()

    layers, first, second = state
    gradients = jax.grad(loss)(layers)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, second, gradients)
    rate = RATE * jnp.minimum(1.0, (number + 1) / (0.1 * steps)) * (1 - number / steps)
    scale = rate * jnp.sqrt(1 - 0.999 ** (number + 1)) / (1 - 0.9 ** (number + 1))
    moved = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-8), layers, first, second)
    return moved, first, second
