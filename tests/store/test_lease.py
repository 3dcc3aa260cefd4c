"""One writer at a time in an object store: a lease is waited for, runs out with its holder, and is freed at the end."""

from __future__ import annotations

import json
import threading
import time

import pytest

from attractory.errors import InterruptedRunError, RequestError
from attractory.store.files import LEASE_FOLDER, RUN_FOLDER
from attractory.store.lease import LONGEST_SECONDS, is_leased, leased
from attractory.store.objects import ObjectPath


@pytest.fixture
def store(tmp_path):
    """A place of its own in an object store of this process, which keeps the first; what holds it for dead does so after 0.4 s."""
    return ObjectPath(f"memory://{tmp_path.name}/one.zarr", lease_seconds=0.4)


def left_by_a_killed_run(store, *, number=1, seconds=0.4):
    """The lease of a run that nobody renews."""
    content = {"holder": "gone", "renewed": 3, "run": "node7:4242", "seconds": seconds}
    (store / RUN_FOLDER / LEASE_FOLDER / f"{number:08d}").put(json.dumps(content).encode())


def test_a_lease_is_freed_at_the_end(store):
    """It is there inside, and nothing is left of it or of the probe afterwards."""
    with leased(store):
        assert is_leased(store)
    assert store.sizes() == {}


def test_a_lease_is_freed_by_an_error_too(store):
    """Whatever ends the run goes on to whoever called, and the next run need not wait."""
    with pytest.raises(ValueError, match="of its own"), leased(store):
        raise ValueError("of its own")
    assert not is_leased(store)


def test_a_lease_that_nobody_renews_runs_out(store):
    """The one who waits is told for whom, waits as long as the lease says, and is then the holder; the old lease is gone."""
    left_by_a_killed_run(store, number=3)
    said, began = [], time.monotonic()
    with leased(store, announce=said.append):
        assert time.monotonic() - began >= 0.4
        assert (store / RUN_FOLDER / LEASE_FOLDER).names() == ["00000004"]
    assert said == ["waiting for the run of node7:4242"]


def test_no_lease_is_waited_for_longer_than_half_a_minute(store):
    """What a lease says of itself is believed up to a bound; our own say at most as much."""
    from attractory.store.lease import _said

    assert _said(b'{"run": "a:1", "seconds": 86400}') == ("a:1", LONGEST_SECONDS)
    assert _said(b"not one of ours") == ("someone", LONGEST_SECONDS)
    assert LONGEST_SECONDS == 30


def test_a_live_holder_is_waited_for_until_it_ends(store):
    """It holds for three times as long as its lease lasts, renews it all the while, and the other one comes right after it."""
    order, waiting = [], threading.Event()

    def second():
        with leased(store, announce=lambda _: waiting.set()):
            order.append("second")

    with leased(store):
        other = threading.Thread(target=second)
        other.start()
        assert waiting.wait(10)
        time.sleep(3 * store.lease_seconds)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_of_many_who_come_at_once_one_holds_it_at_a_time(store):
    """Six that find a lease run out: each gets its turn, and no two are inside together."""
    left_by_a_killed_run(store)
    inside, most, turns = [], [], []

    def one(name):
        with leased(store):
            inside.append(name)
            most.append(len(inside))
            time.sleep(0.02)
            inside.remove(name)
            turns.append(name)

    threads = [threading.Thread(target=one, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (max(most), sorted(turns)) == (1, [0, 1, 2, 3, 4, 5])


def test_a_lease_that_another_run_has_taken_ends_the_run(store):
    """A holder that was held up finds a higher number: its run ends with an error that says so, and leaves the other's lease alone."""

    def run():
        with leased(store):
            left_by_a_killed_run(store, number=2)
            time.sleep(1.0)

    with pytest.raises(InterruptedRunError, match=r"held up for longer than its lease of 0.4 s.*the same command goes on"):
        run()
    assert (store / RUN_FOLDER / LEASE_FOLDER / "00000002").is_file()


class Forgetful(ObjectPath):
    """As a server that ignores `If-None-Match: *`: what is written last stays."""

    def put_new(self, content):
        self.put(content)
        return True


def test_a_server_that_keeps_the_last_is_found_out(store):
    """The probe writes twice to one name, and takes away what it wrote."""
    assert store.keeps_the_first()
    assert not Forgetful(store.url).keeps_the_first()
    assert store.sizes() == {}


def test_where_the_server_keeps_the_last_two_runs_are_refused(store):
    """One run alone may write; another that finds it alive is told why it may not."""
    forgetful = Forgetful(store.url, lease_seconds=0.4)
    with (
        leased(forgetful),
        pytest.raises(RequestError, match=r"ignores `If-None-Match: \*`, so that two runs cannot be kept apart"),
        leased(forgetful),
    ):
        pytest.fail("both hold it")


def test_where_the_server_keeps_the_last_a_killed_run_is_gone_on_from(store):
    """A lease that is not renewed runs out there too."""
    left_by_a_killed_run(store)
    with leased(Forgetful(store.url, lease_seconds=0.4)):
        assert (store / RUN_FOLDER / LEASE_FOLDER).names() == ["00000002"]
