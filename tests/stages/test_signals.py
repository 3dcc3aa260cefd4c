"""A signal ends a run, whatever the main thread is doing when it comes."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import pytest

from attractory.errors import InterruptedRunError
from attractory.stages.signals import signals_as_errors


class Finalized:
    """Sends this process a signal when it is deleted."""

    def __del__(self):
        struck(signal.SIGTERM)


def struck(number):
    """Send this process a signal, and be there when it comes."""
    os.kill(os.getpid(), number)
    time.sleep(0.01)


def run(work):
    """A run that the signals end; ten seconds where they do not."""
    with signals_as_errors():
        work()
        time.sleep(10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_runs(number):
    """With an error that names it; afterwards the handlers are those of before."""
    before = signal.getsignal(number)
    with pytest.raises(InterruptedRunError, match=number.name):
        run(lambda: struck(number))
    assert signal.getsignal(number) is before


def test_code_that_catches_every_exception_does_not_swallow_it():
    """Libraries log or ignore what is raised inside them."""

    def careless():
        with suppress(Exception):
            struck(signal.SIGTERM)

    with pytest.raises(InterruptedRunError):
        run(careless)


def test_a_signal_inside_a_finalizer_comes_again():
    """Python drops what is raised there: the run would go on to its end."""
    with pytest.raises(InterruptedRunError):
        run(Finalized)
