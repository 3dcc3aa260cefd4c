"""SIGINT and SIGTERM during a run: an error that ends it, wherever the main thread is."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attractory.errors import InterruptedRunError

AGAIN_SECONDS = 0.05


@contextmanager
def signals_as_errors() -> Iterator[None]:
    """SIGINT and SIGTERM end what runs inside with an error that says the run can go on.

    Raises:
        InterruptedRunError: one of them came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    hook, sys.unraisablehook = sys.unraisablehook, _sent_again
    try:
        yield
    except _SignalError as came:
        message = f"stopped by {came}. What is done is kept: the same command goes on from there."
        raise InterruptedRunError(message) from None
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


class _SignalError(KeyboardInterrupt):
    """A signal, at whatever line the main thread was. No `except Exception` on the way, of a library or of ours, takes it for its own."""


def _stop(number: int, frame: object) -> None:
    raise _SignalError(signal.Signals(number).name)


def _sent_again(unraisable: Any) -> None:
    """A signal in a finalizer or a weak reference's callback, where Python drops what is raised, comes once more in a moment."""
    if not isinstance(unraisable.exc_value, _SignalError):
        sys.__unraisablehook__(unraisable)
        return
    number, main = signal.Signals[str(unraisable.exc_value)], threading.main_thread().ident or 0
    threading.Timer(AGAIN_SECONDS, lambda: signal.pthread_kill(main, number)).start()
